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

/** The dead letters that match, once there are so many. */
export async function readLetters(
  matches: (letter: Letter) => boolean,
  count: number,
): Promise<readonly Letter[]> {
  const { kafka: brokers, registry: url } = engineAddresses()
  const kafka = connectKafka({ brokers, clientId: 'letters', log: createLogger('test', 'silent') })
  const registry = new SchemaRegistry(url)
  const fetchSchema = (id: number): Promise<string | null> => registry.fetchSchema(id)
  const decoder = new Decoder({ records: ['DeadLetter'], fetchSchema, bytesMax: 4_000_000, now: () => 0 })
  const reader = kafka.consumer({ groupId: `letters-${randomUUID()}` })
  const letters: Letter[] = []
  await reader.connect()
  await reader.subscribe({ topic: 'dead.letters', fromBeginning: true })
  await reader.run({
    eachMessage: async ({ message }) => {
      await decoder.prepare([message.value])
      const decoded = decoder.decode(message.value)
      if (!decoded.ok) throw new Error(decoded.reason)
      const letter = { ...(decoded.value as unknown as Letter), key: message.key?.toString() ?? '' }
      if (matches(letter)) letters.push(letter)
    },
  })
  try {
    await eventually(
      async () => letters.length,
      (found) => found >= count,
      { what: `${count} dead letters` },
    )
  } finally {
    await reader.disconnect()
  }
  return letters
}
