import { randomUUID } from 'node:crypto'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { Decoder } from '#schemas/decoder.ts'
import { engineAddresses } from './addresses.ts'
import { eventually } from './eventually.ts'

/** A dead letter as a reader of the topic sees it. */
export interface Letter {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly code: string
  readonly reason: string
  readonly key: string
  readonly value: Buffer | null
}

/** Every dead letter about subscriptions so far, as a billing engineer would read them. */
export interface LetterReader {
  readonly of: (workspace: string) => readonly Letter[]
  /** The letters of a workspace, once there are so many. */
  readonly first: (workspace: string, count: number) => Promise<readonly Letter[]>
  readonly stop: () => Promise<void>
}

/** Reads what `dead.letters` says about `subscription.events`, from its beginning until it is stopped. */
export async function openLetters(): Promise<LetterReader> {
  const letters: Letter[] = []
  const stop = await followLetters((letter) => {
    if (letter.topic === 'subscription.events') letters.push(letter)
  })
  const of = (workspace: string): readonly Letter[] => letters.filter(({ key }) => key === workspace)
  const first = (workspace: string, count: number): Promise<readonly Letter[]> =>
    eventually(
      async () => of(workspace),
      (found) => found.length >= count,
      { what: `${count} dead letters of ${workspace}` },
    )
  return { of, first, stop }
}

/** The dead letters that match, once there are so many. */
export async function readLetters(
  matches: (letter: Letter) => boolean,
  count: number,
): Promise<readonly Letter[]> {
  const letters: Letter[] = []
  const stop = await followLetters((letter) => {
    if (matches(letter)) letters.push(letter)
  })
  try {
    await eventually(
      async () => letters.length,
      (found) => found >= count,
      { what: `${count} dead letters` },
    )
  } finally {
    await stop()
  }
  return letters
}

async function followLetters(take: (letter: Letter) => void): Promise<() => Promise<void>> {
  const { kafka: brokers, registry: url } = engineAddresses()
  const kafka = connectKafka({ brokers, clientId: 'letters', log: createLogger('test', 'silent') })
  const registry = new SchemaRegistry(url)
  const fetchSchema = (id: number): Promise<string | null> => registry.fetchSchema(id)
  const decoder = new Decoder({ records: ['DeadLetter'], fetchSchema, bytesMax: 4_000_000, now: () => 0 })
  const reader = kafka.consumer({ groupId: `letters-${randomUUID()}` })
  await reader.connect()
  await reader.subscribe({ topic: 'dead.letters', fromBeginning: true })
  await reader.run({
    eachMessage: async ({ message }) => {
      await decoder.prepare([message.value])
      const decoded = decoder.decode(message.value)
      if (!decoded.ok) throw new Error(decoded.reason)
      take({ ...(decoded.value as unknown as Letter), key: message.key?.toString() ?? '' })
    },
  })
  return () => reader.disconnect()
}
