import { randomUUID } from 'node:crypto'
import { BSON } from 'mongodb'
import { encoderOf } from '#schemas/encoder.ts'
import { subscribeMany } from '#test/helpers/bulk-subscriber.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import type { Row } from './statistics.ts'

const WORKSPACES = 1_000
/** Rounds are a minute apart. */
const ROUND_WITHIN_MS = 120_000
/** Of a record in a batch: its lengths, its distances in time and offset, attributes, no headers. */
const RECORD_BYTES = 7

/** What single things take in the log and in MongoDB: the cost model multiplies them. */
export async function benchSizes(system: System): Promise<readonly Row[]> {
  const prefix = `sizes-${randomUUID().slice(0, 6)}`
  const names = Array.from({ length: WORKSPACES }, (_, index) => `${prefix}-${index}`)
  await subscribeMany(system, names, { nextAt: null })
  const events = names.map((workspace) => ({
    id: randomUUID(),
    workspace,
    occurredAt: Date.now(),
    source: 'bench',
    leadId: 'l',
    action: 'created',
  }))
  await Promise.all(events.map((value) => system.writer.write({ record: 'LeadEvent', value })))
  const encode = encoderOf('LeadEvent', 1)
  const logged = events.map((value) => encode(value).length + value.workspace.length + RECORD_BYTES)
  const { db } = system.mongo
  const versions = await db
    .collection<{ readonly _id: string }>('subscription_versions')
    .find({ _id: { $gte: prefix } })
    .limit(WORKSPACES)
    .toArray()
  const kept = await eventually(
    () => rowsOf(system, prefix),
    (rows) => rows.length > 0,
    { what: 'a round of snapshots', withinMs: ROUND_WITHIN_MS },
  )
  return [
    row('log: a usage event with an id of 36 letters', logged),
    row('MongoDB: a version of a subscription', versions.map(sizeOf)),
    row('MongoDB: a workspace in a round of snapshots', kept.map(sizeOf)),
  ]
}

/** The rows of these workspaces in the rounds that were kept so far. */
async function rowsOf({ mongo }: System, prefix: string): Promise<readonly object[]> {
  const segments = await mongo.db
    .collection<{ readonly rows: readonly { readonly workspace: string }[] }>('snapshot_segments')
    .find({})
    .toArray()
  return segments.flatMap(({ rows }) => rows.filter((one) => JSON.stringify(one).includes(prefix)))
}

function sizeOf(document: object): number {
  return BSON.calculateObjectSize(document)
}

function row(path: string, sizes: readonly number[]): Row {
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
  return { path, figure: `${mean.toFixed(0)} bytes`, limit: '–', ratio: null, rounds: sizes.length }
}
