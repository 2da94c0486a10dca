import { randomUUID } from 'node:crypto'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { Decoder } from '#schemas/decoder.ts'
import { engineAddresses } from './addresses.ts'

/** A notice as it was read from the topic. */
export interface SeenNotice {
  readonly id: string
  readonly workspace: string
  readonly type: string
  readonly feature: string | null
  readonly threshold: number | null
  readonly used: number | null
  readonly limit: number | null
  readonly occurredAt: number
}

/** Everything that `entitlement.notices` has carried, as a mail service would read it. */
export interface NoticeReader {
  readonly of: (workspace: string) => readonly SeenNotice[]
  readonly stop: () => Promise<void>
}

/** Reads `entitlement.notices` from its beginning until it is stopped. */
export async function readNotices(): Promise<NoticeReader> {
  const { kafka: brokers, registry: registryUrl } = engineAddresses()
  const log = createLogger('test', 'silent')
  const registry = new SchemaRegistry(registryUrl)
  const decoder = new Decoder({
    records: ['NoticeEvent'],
    fetchSchema: (id) => registry.fetchSchema(id),
    now: () => 0,
  })
  const seen: SeenNotice[] = []
  const consumer = connectKafka({ brokers, clientId: 'notice-test', log }).consumer({
    groupId: `notices-${randomUUID()}`,
  })
  await consumer.connect()
  await consumer.subscribe({ topic: 'entitlement.notices', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      await decoder.prepare([message.value])
      const decoded = decoder.decode(message.value)
      if (!decoded.ok) throw new Error(decoded.reason)
      const notice = decoded.value as unknown as SeenNotice
      if (message.key?.toString() !== notice.workspace) throw new Error(`${notice.id} has another key`)
      seen.push(notice)
    },
  })
  return {
    of: (workspace) => seen.filter((notice) => notice.workspace === workspace),
    stop: () => consumer.disconnect(),
  }
}
