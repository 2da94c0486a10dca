import { CompressionTypes, type Kafka } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import { partitions } from '#drivers/kafka/topics.ts'
import { createLogger } from '#drivers/log.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { allShardKeys, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { encoderOf } from '#schemas/encoder.ts'
import { type Rig, startRig } from '#test/chaos/rig.ts'
import { runCli } from '#test/helpers/cli.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { untilReady } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const STALLED_MAX_MS = 5_000
const topic = 'usage.events'
const shards = allShardKeys(SHARDS_DEFAULT)
const partitionOf = partitionerOf(partitions[topic])
const question = { feature: 'leads', intent: 'read' }
const lead = { leadId: 'l', action: 'created' }
let rig: Rig
let kafka: Kafka
beforeAll(async () => {
  rig = await startRig({ settings: { STALLED_MAX_MS: String(STALLED_MAX_MS) } })
  kafka = connectKafka({ brokers: rig.direct.kafka, clientId: 'log', log: createLogger('test', 'silent') })
}, 120_000)
afterAll(() => rig.stop())

test('transactions: what was aborted counts nothing and holds up nothing, also at the end of a partition', async () => {
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({})
  await workspace.send('LeadEvent', { ...lead, quantity: 5 })
  await writeTransaction(workspace.id, { quantity: 7, outcome: 'commit' })
  await writeTransaction(workspace.id, { quantity: 100, outcome: 'abort' })
  await workspace.counted()
  expect(await workspace.checkExactly(question)).toMatchObject({ used: 12 })
  const stalledBy = performance.now() + 2 * STALLED_MAX_MS
  await eventually(
    async () => performance.now(),
    (now) => now > stalledBy,
    { what: 'a consumer to give up, if it thinks that Kafka delivers nothing' },
  )
  for (const { wholeLogOf } of [rig.system, rig.other])
    expect(wholeLogOf('consumers')).not.toContain('Kafka delivers nothing')
  expect(await runCli(rig.system, ['verify', '--workspace', workspace.id])).toMatchObject({
    code: 0,
    out: expect.stringContaining('0 counters differ'),
  })
  await workspace.send('LeadEvent', { ...lead, quantity: 1 })
  await workspace.counted()
  expect((await workspace.checkExactly(question)).used).toBe(13)
}, 120_000)

test('Redis and MongoDB silent for longer than Kafka may be: no consumer is ready, none ends, and all goes on', async () => {
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({})
  const consumers = [rig.system, rig.other]
  const pids = consumers.map(({ pidOf }) => pidOf('consumers'))
  const { redis, mongo } = rig.proxies
  for (const proxy of [redis, mongo]) proxy.set({ kind: 'blackhole' })
  await workspace.send('LeadEvent', { ...lead, quantity: 5 })
  const silentBy = performance.now() + 2 * STALLED_MAX_MS
  const ready = (): Promise<number[]> =>
    Promise.all(consumers.map(async (system) => (await fetch(`${system.consumers}/readyz`)).status))
  await eventually(
    ready,
    (statuses) => statuses.every((status) => status === 503) && performance.now() > silentBy,
    { what: 'consumers to be unready for longer than Kafka may be silent', withinMs: 3 * STALLED_MAX_MS },
  )
  for (const proxy of [redis, mongo]) proxy.set({ kind: 'reset' })
  for (const proxy of [redis, mongo]) proxy.set({ kind: 'pass' })
  await workspace.counted()
  expect(await workspace.checkExactly(question)).toMatchObject({ used: 5 })
  expect(consumers.map(({ pidOf }) => pidOf('consumers'))).toEqual(pids)
  for (const { wholeLogOf } of consumers) expect(wholeLogOf('consumers')).not.toContain('ending so that')
}, 120_000)

test('G5: use that a cut log took along is said to be missing, and so it is after the shard was lost and rebuilt', async () => {
  const workspace = new TestWorkspace(rig.system)
  await workspace.subscribe({})
  await workspace.send('LeadEvent', { ...lead, quantity: 5 })
  await workspace.counted()
  expect(await workspace.checkExactly(question)).toMatchObject({ used: 5 })
  await Promise.all([rig.system.kill('consumers'), rig.other.kill('consumers')])
  await workspace.send('LeadEvent', { ...lead, quantity: 100 })
  await cutLog(partitionOf(workspace.id))
  await Promise.all([rig.system.start('consumers'), rig.other.start('consumers')])
  await workspace.send('LeadEvent', { ...lead, quantity: 2 })
  await workspace.counted()
  expect(await workspace.check(question)).toMatchObject({ used: 7, exact: false })
  expect(await missing()).toContain(partitionOf(workspace.id))

  await untilStored(workspace, '7')
  await rig.redis.ask((redis) => redis.flushall())
  const rebuilt = await eventually(
    () => workspace.check(question),
    ({ reason, used }) => reason === 'within_limit' && used === 7,
    { what: 'the shard to be rebuilt' },
  )
  expect(rebuilt.exact).toBe(false)
  // Right after a rebuild nothing is exact: the metric tells the one reason from the other, once every shard is there.
  await rig.redis.ask((redis) => untilReady(redis))
  await eventually(missing, (partitions) => partitions.includes(partitionOf(workspace.id)), {
    what: 'the mark to be there again',
    withinMs: 20_000,
  })
  const other = otherPartition(workspace.id)
  await other.subscribe({})
  expect((await other.checkExactly(question)).used).toBe(0)
}, 180_000)

async function writeTransaction(
  workspace: string,
  { quantity, outcome }: { readonly quantity: number; readonly outcome: 'commit' | 'abort' },
): Promise<void> {
  const { LeadEvent: id } = await new SchemaRegistry(rig.direct.registry).registerAll()
  const value = encoderOf(
    'LeadEvent',
    id,
  )({ ...lead, id: outcome, workspace, occurredAt: Date.now(), source: 'tx', quantity })
  const producer = kafka.producer({
    transactionalId: `tx-${outcome}`,
    maxInFlightRequests: 1,
    idempotent: true,
  })
  await producer.connect()
  const transaction = await producer.transaction()
  const message = { key: workspace, value, partition: partitionOf(workspace) }
  await transaction.send({ topic, messages: [message], compression: CompressionTypes.None })
  await transaction[outcome]()
  await producer.disconnect()
}

/** Partitions of which some shard misses use, as the alert sees it. */
async function missing(): Promise<readonly number[]> {
  const metrics = await fetch(`${rig.other.consumers}/metrics`).then((response) => response.text())
  const lines = metrics.matchAll(/^tallygate_use_missing_shards\{partition="(\d+)"\} [1-9]/gm)
  return [...lines].map(([, partition]) => Number(partition))
}

/** Takes away all that a partition holds, as its retention would. */
async function cutLog(partition: number): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const high = (await readRanges(admin, topic)).find((range) => range.partition === partition)?.high ?? 0
  await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(high) }] })
  await admin.disconnect()
}

async function untilStored(workspace: TestWorkspace, leads: string): Promise<void> {
  const snapshots = new SnapshotLog(rig.system.mongo.db)
  await eventually(
    async () => {
      const rounds = shards.map(async ({ shard }) => {
        const headers = await snapshots.headers(shard)
        return Promise.all(headers.map((header) => snapshots.rows(shard, header)))
      })
      return (await Promise.all(rounds)).flat(2)
    },
    (rows) => rows.some((row) => row?.workspace === workspace.id && row.fields['leads'] === leads),
    { what: `a snapshot of ${workspace.id}` },
  )
}

/** A workspace whose records are in another partition. */
function otherPartition(than: string): TestWorkspace {
  for (;;) {
    const other = new TestWorkspace(rig.system)
    if (partitionOf(other.id) !== partitionOf(than)) return other
  }
}
