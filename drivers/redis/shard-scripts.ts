import { WHEN_JUDGED } from '#core/entitlement/facts.ts'
import { LIST } from './agenda.ts'
import type { ShardKeys } from './keys.ts'
import { defineScript, wordOf } from './script.ts'

const rebuildWords = ['OK', 'LOST'] as const

/** `lua/take-over.lua`: begins a rebuild under a token; LOST when a newer one owns the shard. */
export const takeOver = defineScript({
  file: 'take-over.lua',
  keys: ({ keys }: { keys: ShardKeys; token: number }) => [keys.meta, keys.version],
  args: ({ token }) => [token],
  reply: (raw) => wordOf(raw, rebuildWords, 'take-over.lua'),
})

/** `lua/drop-keys.lua`: deletes keys of a shard while the rebuild still owns it. */
export const dropKeys = defineScript({
  file: 'drop-keys.lua',
  keys: ({ keys, names }: { keys: ShardKeys; token: number; names: readonly string[] }) => [
    keys.meta,
    ...names,
  ],
  args: ({ token }) => [token],
  reply: (raw) => wordOf(raw, rebuildWords, 'drop-keys.lua'),
})

interface LeaseInput {
  readonly lease: string
  readonly holder: string
  /** From now; 0 gives it back. */
  readonly forMs: number
}

/** `lua/keep-lease.lua`: keeps a lease for longer or gives it back, if it is the holder's. */
export const keepLease = defineScript({
  file: 'keep-lease.lua',
  keys: ({ lease }: LeaseInput) => [lease],
  args: ({ holder, forMs }) => [holder, forMs],
  reply: (raw) => wordOf(raw, rebuildWords, 'keep-lease.lua'),
})

/** Where a partition goes on after a rebuild. */
export interface PartitionStart {
  readonly partition: number
  readonly watermark: number
  /** When what the restored counters hold was appended, ms; 0 where it is not known. */
  readonly at: number
  /** Events up to here are in the restored counters already. */
  readonly base: number
  /** Last offset that must be covered before the shard answers. */
  readonly target: number
  /** The log no longer starts at 0 and no snapshot covers the rest. */
  readonly isLowerBound: boolean
}

interface OpenShardInput {
  readonly keys: ShardKeys
  readonly token: number
  readonly catalogueRevision: number
  /** Some workspaces are covered beyond their partition's base. */
  readonly hasThresholds: boolean
  /** Writes that this rebuild made since it took the shard over. */
  readonly writes: number
  readonly partitions: readonly PartitionStart[]
}

/** `lua/open-shard.lua`: ends a rebuild; the token becomes the incarnation. */
export const openShard = defineScript({
  file: 'open-shard.lua',
  keys: ({ keys }: OpenShardInput) => [keys.meta, keys.version],
  args: ({ token, catalogueRevision, hasThresholds, writes, partitions }) => [
    token,
    catalogueRevision,
    hasThresholds ? '1' : '0',
    writes,
    ...partitions.flatMap((start) => [
      start.partition,
      start.watermark,
      start.at,
      start.base,
      start.target,
      start.isLowerBound ? '1' : '0',
    ]),
  ],
  reply: (raw) => wordOf(raw, rebuildWords, 'open-shard.lua'),
})

interface PassGapInput {
  readonly keys: ShardKeys
  readonly incarnation: string
  readonly partition: number
  /** Last offset that the log no longer has. */
  readonly gone: number
}

/** `lua/pass-gap.lua`: goes on after records that the log no longer has; MARKED where their use is missing. */
export const passGap = defineScript({
  file: 'pass-gap.lua',
  keys: ({ keys }: PassGapInput) => [keys.meta],
  args: ({ incarnation, partition, gone }) => [incarnation, partition, gone],
  reply: (raw) => wordOf(raw, ['PASSED', 'MARKED', 'INC'] as const, 'pass-gap.lua'),
})

interface RebaseInput {
  readonly keys: ShardKeys
  readonly incarnation: string
  /** Number of the incarnation that begins. */
  readonly token: number
  readonly partitions: readonly Pick<PartitionStart, 'partition' | 'watermark' | 'target' | 'isLowerBound'>[]
}

/** `lua/rebase.lua`: lets a shard go on with partitions whose log is another than it counted. */
export const rebaseMeta = defineScript({
  file: 'rebase.lua',
  keys: ({ keys }: RebaseInput) => [keys.meta, keys.version],
  args: ({ incarnation, token, partitions }) => [
    incarnation,
    token,
    ...partitions.flatMap(({ partition, watermark, target, isLowerBound }) => [
      partition,
      watermark,
      target,
      isLowerBound ? '1' : '0',
    ]),
  ],
  reply: (raw) => wordOf(raw, ['OK', 'INC'] as const, 'rebase.lua'),
})

interface StampInput {
  readonly hash: string
  readonly workspace: string
  readonly value: string
  /** A round of snapshots that was stored: its number is kept with the shard, in the same step. */
  readonly stored?: { readonly meta: string; readonly round: number; readonly incarnation: string }
}

/** `lua/forget-stamp.lua`: takes a workspace off a to-do hash if nothing touched it meanwhile. */
export const forgetStamp = defineScript({
  file: 'forget-stamp.lua',
  keys: ({ hash, stored }: StampInput) => (stored === undefined ? [hash] : [hash, stored.meta]),
  args: ({ workspace, value, stored }) =>
    stored === undefined ? [workspace, value] : [workspace, value, stored.round, stored.incarnation],
  reply: (raw) => wordOf(raw, ['OK', 'TOUCHED'] as const, 'forget-stamp.lua'),
})

interface PutFactsInput {
  readonly keys: ShardKeys
  readonly workspace: string
  readonly revision: string
  readonly facts: string | Buffer
  readonly nonce: string
  /** From when a crossing that this change causes would count, ms, or `WHEN_JUDGED`; null when it cannot cause one. */
  readonly since: number | null
  /** Revision that MongoDB was found not to have: facts of it are replaced though they are newer. */
  readonly lost?: string
}

/** `lua/put-facts.lua`: stores facts beside the counters unless newer ones are there. */
export const putFacts = defineScript({
  file: 'put-facts.lua',
  keys: ({ keys, workspace }: PutFactsInput) => [
    keys.meta,
    keys.usage(workspace),
    keys.facts(workspace),
    keys.judge,
  ],
  args: ({ revision, facts, workspace, nonce, since, lost = '' }) => [
    revision,
    facts,
    workspace,
    nonce,
    since === WHEN_JUDGED ? 'look' : (since ?? ''),
    lost,
  ],
  reply: (raw) => wordOf(raw, ['STORED', 'SAME', 'OLDER', 'MIXED', 'INC'] as const, 'put-facts.lua'),
})

interface RaiseInput {
  readonly keys: ShardKeys
  readonly revision: number
  /** Revision that MongoDB was found not to have: it is replaced though it is higher. */
  readonly lost?: number
}

/** `lua/raise-catalogue.lua`: names the catalogue revision in force to the checks of a shard's workspaces; the one that is. */
export const raiseCatalogue = defineScript({
  file: 'raise-catalogue.lua',
  keys: ({ keys }: RaiseInput) => [keys.meta, keys.agenda, keys.version],
  args: ({ revision, lost }) => [revision, LIST, lost ?? ''],
  reply: Number,
})
