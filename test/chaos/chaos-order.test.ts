import { connect } from 'node:net'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setUp } from '#deploy/setup.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { openRecordWriter } from '#drivers/kafka/record-writer.ts'
import { readRanges, scanTopic } from '#drivers/kafka/scan-topic.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { TcpProxy } from '#test/chaos/tcp-proxy.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'

const topic = 'usage.events'
const BREAKS = 15
/** Events that are given while the connection is silent: they make three requests where nothing keeps them back. */
const HELD = 200
const workspaces = Array.from({ length: 8 }, (_, n) => `in-order-${n}`)

let proxy: TcpProxy
beforeAll(async () => {
  await setUp(engineAddresses())
  await withAdmin((admin) => admin.fetchOffsets({ groupId: 'order', topics: [topic] }))
  proxy = await TcpProxy.open(Number(engineAddresses().kafka.split(':').at(-1)))
})
afterAll(() => proxy.close())

test('G1: events of one workspace stand in the log in the order in which they were given, however often connections break', async () => {
  const load = await startLoad()
  for (let breaks = 0; breaks < BREAKS; breaks += 1) {
    proxy.set({ kind: 'blackhole' })
    await load.reaches(({ given, acknowledged }) => given - acknowledged >= HELD)
    const heldUpTo = load.counts().given
    proxy.set({ kind: 'reset' })
    proxy.set({ kind: 'pass' })
    await load.reaches(({ acknowledged }) => acknowledged >= heldUpTo)
  }
  await load.stop()
  const numbers = await firstInLog()
  const written = [...numbers.values()].flat().length
  const overtaken = [...numbers.values()].flatMap((own) => own.filter((n, at) => n < (own[at - 1] ?? 0)))
  console.log(
    `${written} events over ${BREAKS} broken connections: ${overtaken.length} stand behind a later one`,
  )
  expect({ written, overtaken }).toEqual({ written: load.counts().given, overtaken: [] })
})

interface Counts {
  readonly given: number
  readonly acknowledged: number
}

/** Writes events of every workspace, numbered in the order in which they are given, over connections that can be broken. */
async function startLoad() {
  const kafka = new Kafka({
    brokers: engineAddresses().kafka.split(','),
    logLevel: logLevel.NOTHING,
    socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port: proxy.port }, onConnect),
  })
  const { registry } = engineAddresses()
  const writer = await openRecordWriter(kafka, new SchemaRegistry(registry))
  const counts = { given: 0, acknowledged: 0 }
  const giveOne = async (workspace: string): Promise<void> => {
    counts.given += 1
    const id = `${counts.given}`
    const lead = { leadId: 'l', action: 'created' }
    const value = { ...lead, id, workspace, occurredAt: Date.now(), source: 'order' }
    await writer.write({ record: 'LeadEvent', value, headers: { number: id } })
    counts.acknowledged += 1
  }
  const failed: unknown[] = []
  const giving = setInterval(() => {
    for (const workspace of workspaces) giveOne(workspace).catch((error: unknown) => failed.push(error))
  }, 2)
  return {
    counts: (): Counts => counts,
    reaches: (wanted: (counts: Counts) => boolean) =>
      eventually(async () => ({ ...counts }), wanted, { what: 'events to be written', withinMs: 20_000 }),
    stop: async (): Promise<void> => {
      clearInterval(giving)
      await writer.close()
      expect(failed).toEqual([])
    },
  }
}

/** The numbers of each workspace as they stand in the log, each where it stands first: a request that was sent again may stand twice. */
async function firstInLog(): Promise<ReadonlyMap<string, readonly number[]>> {
  const ranges = await withAdmin((admin) => readRanges(admin, topic))
  const found = new Map(workspaces.map((workspace) => [workspace, new Set<number>()]))
  const onRecords: Parameters<typeof scanTopic>[0]['onRecords'] = async (_partition, records) => {
    for (const { key, headers } of records) found.get(`${key}`)?.add(Number(headers?.['number']))
  }
  await scanTopic({ kafka: direct(), topic, ranges, onRecords })
  return new Map([...found].map(([workspace, numbers]) => [workspace, [...numbers]]))
}

function direct(): Kafka {
  const log = createLogger('test', 'silent')
  return connectKafka({ brokers: engineAddresses().kafka, clientId: 'order', log })
}

/** Asks the brokers; a Kafka that was just started has no group coordinator before it is first asked for one. */
async function withAdmin<Value>(ask: (admin: Admin) => Promise<Value>): Promise<Value> {
  const admin = direct().admin()
  await admin.connect()
  const what = 'the brokers to answer'
  return eventually(
    () => ask(admin),
    () => true,
    { what },
  ).finally(() => admin.disconnect())
}
