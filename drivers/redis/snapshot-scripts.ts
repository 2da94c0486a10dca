import { Packr } from 'msgpackr'
import { levelField, parseDayField } from '#core/usage/counter-fields.ts'
import type { Redis } from './connection.ts'
import { inPairs } from './in-pairs.ts'
import { DEDUPE_SUB_SHARDS, type ShardKeys } from './keys.ts'
import { defineScript, listOf, type RawReply, wordOf } from './script.ts'

/** Last covered offset by partition. */
export type Offsets = Readonly<Record<string, number>>

/** What a snapshot keeps of one workspace; holds and facts are not part of it. */
export interface SnapshotRow {
  readonly workspace: string
  readonly fields: Readonly<Record<string, string>>
  /** Members by distinct meter. */
  readonly members: Readonly<Record<string, readonly string[]>>
  /** Where the counters cover more than the round's base. */
  readonly above: Offsets
}

const packr = new Packr({ useRecords: false })

function texts(raw: RawReply | undefined): readonly string[] {
  return Array.isArray(raw) ? raw.map(String) : []
}

function pairs(raw: RawReply | undefined): Record<string, string> {
  return Object.fromEntries(inPairs(texts(raw)))
}

/** `lua/begin-round.lua`: a shard's state and its changed workspaces with their stamps. */
export const beginRound = defineScript({
  file: 'begin-round.lua',
  keys: ({ keys }: { keys: ShardKeys }) => [keys.meta, keys.dirty],
  args: () => [],
  reply: (raw) => {
    const [meta, dirty] = listOf(raw, 'begin-round.lua')
    return { meta: pairs(meta), dirty: pairs(dirty) }
  },
})

interface ReadRowInput {
  readonly keys: ShardKeys
  readonly workspace: string
  readonly meters: readonly string[]
  readonly incarnation: string
  readonly base: Offsets
}

/** `lua/read-row.lua`: one workspace for a snapshot; null when the round must be given up. */
export const readRow = defineScript({
  file: 'read-row.lua',
  keys: ({ keys, workspace, meters }: ReadRowInput) => [
    keys.meta,
    keys.usage(workspace),
    keys.thresholds(workspace),
    ...meters.map((meter) => keys.members(workspace, meter)),
  ],
  args: ({ incarnation, base }) => [incarnation, ...Object.entries(base).flat()],
  reply: (raw, { workspace, meters }): SnapshotRow | null => {
    const [word, fields, above, ...sets] = listOf(raw, 'read-row.lua')
    if (wordOf(word ?? null, ['OK', 'GONE'] as const, 'read-row.lua') === 'GONE') return null
    const kept = Object.entries(pairs(fields)).filter(([name]) => name !== 'rev' && !name.startsWith('h:'))
    const members = meters.map((meter, index): [string, readonly string[]] => [meter, texts(sets[index])])
    return {
      workspace,
      fields: Object.fromEntries(kept),
      members: Object.fromEntries(members.filter(([, subjects]) => subjects.length > 0)),
      above: Object.fromEntries(Object.entries(pairs(above)).map(([tp, offset]) => [tp, Number(offset)])),
    }
  },
})

/**
 * A row with the members also of distinct meters that the catalogue does not have, as one that a restored MongoDB lost: those
 * whose size stands among the days of the counters. Null when the round must be given up.
 */
export async function readWholeRow(redis: Redis, input: ReadRowInput): Promise<SnapshotRow | null> {
  const row = await readRow(redis, input)
  const more = row === null ? [] : otherSets(row, input.meters)
  return more.length === 0 ? row : readRow(redis, { ...input, meters: [...input.meters, ...more] })
}

/** Distinct meters beside those: a size stands in fields of days alone, a level in one without a day, too. */
function otherSets({ fields }: SnapshotRow, meters: readonly string[]): readonly string[] {
  const sized = Object.keys(fields).flatMap((name) => {
    const field = parseDayField(name)
    const isSize = field?.kind === 'level' && fields[levelField(field.meter)] === undefined
    return isSize && !meters.includes(field.meter) ? [field.meter] : []
  })
  return [...new Set(sized)]
}

interface PutRowInput {
  readonly keys: ShardKeys
  readonly token: number
  readonly row: SnapshotRow
}

/** `lua/put-row.lua`: restores one workspace while the rebuild owns the shard. */
export const putRow = defineScript({
  file: 'put-row.lua',
  keys: ({ keys, row }: PutRowInput) => [
    keys.meta,
    keys.usage(row.workspace),
    keys.thresholds(row.workspace),
    ...Object.keys(row.members).map((meter) => keys.members(row.workspace, meter)),
  ],
  args: ({ token, row }) => {
    const above = Object.entries(row.above).flatMap(([tp, offset]) => [tp, String(offset)])
    return [token, packr.pack([Object.entries(row.fields).flat(), above, ...Object.values(row.members)])]
  },
  reply: (raw) => wordOf(raw, ['OK', 'LOST'] as const, 'put-row.lua'),
})

interface DropBucketInput {
  readonly keys: ShardKeys
  readonly incarnation: string
  readonly bucket: string
  readonly before: number
}

/** `lua/drop-bucket.lua`: forgets a day's event ids when the newest was appended before an instant. */
export const dropBucket = defineScript({
  file: 'drop-bucket.lua',
  keys: ({ keys, bucket }: DropBucketInput) => [
    keys.meta,
    keys.buckets,
    ...Array.from({ length: DEDUPE_SUB_SHARDS }, (_, subShard) => keys.dedupe(bucket, subShard)),
  ],
  args: ({ incarnation, bucket, before }) => [incarnation, bucket, before],
  reply: (raw) => wordOf(raw, ['DROPPED', 'KEPT', 'INC'] as const, 'drop-bucket.lua'),
})

interface ArchiveInput {
  readonly keys: ShardKeys
  readonly incarnation: string
  readonly workspace: string
  /** Page that the counters name; '' without one. */
  readonly before: string
  /** Page that they name from now on. */
  readonly after: string
  /** Fields that leave the counters, with the values they were read with. */
  readonly fields: Readonly<Record<string, string>>
}

/** `lua/archive-days.lua`: takes past days out of a workspace's counters, all or none. */
export const takeDays = defineScript({
  file: 'archive-days.lua',
  keys: ({ keys, workspace }: ArchiveInput) => [keys.meta, keys.usage(workspace)],
  args: ({ incarnation, before, after, fields }) => [
    incarnation,
    before,
    after,
    ...Object.entries(fields).flat(),
  ],
  reply: (raw) => wordOf(raw, ['OK', 'CHANGED', 'INC'] as const, 'archive-days.lua'),
})
