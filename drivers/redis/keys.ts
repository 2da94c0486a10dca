import { partitionOfKey } from '#drivers/kafka/key-partition.ts'

/** Number of shards of one server, fixed at install. */
export const SHARDS_DEFAULT = 16

/** The same of a Redis Cluster: enough that no master of a few has many more of them than another. */
export const SHARDS_CLUSTER = 64

/**
 * Groups of workspaces by whose ids the sets of a dedupe bucket are told apart, and sets of each group. A slice is of one partition:
 * where records are keyed as Kafka's own clients do, and partitions are a multiple of eight, it is of one group, and five hundred
 * ids go into 32 sets instead of 220 (ADR 0037).
 */
const DEDUPE_GROUPS = 8
const DEDUPE_SETS_EACH = 32

/** Sub-shards of a dedupe bucket, fixed at install. */
export const DEDUPE_SUB_SHARDS = DEDUPE_GROUPS * DEDUPE_SETS_EACH

/** The sub-shard of an id: 0 … 255, by its workspace and by bits of its hash. */
export function dedupeSubShard(workspace: string, bits: number): number {
  return DEDUPE_SETS_EACH * partitionOfKey(workspace, DEDUPE_GROUPS) + ((bits >>> 0) % DEDUPE_SETS_EACH)
}

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** FNV-1a over UTF-8, 32 bit; named in the install document as `fnv1a32`. */
export function fnv1a(text: string): number {
  let hash = FNV_OFFSET
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME)
  }
  return hash >>> 0
}

/** The shard a workspace lives in: 0 … shards − 1. Workspace ids are ASCII, so code units are bytes. */
export function shardOf(workspace: string, shards: number): number {
  return fnv1a(workspace) % shards
}

const pad = (shard: number): string => String(shard).padStart(2, '0')

/** Every key of one shard; all carry its hash tag, ids stand after the tag (counting.md, "Keys"). */
export interface ShardKeys {
  readonly shard: number
  /** Prefix of all keys of the shard. */
  readonly prefix: string
  readonly meta: string
  /** Counted up when catalogue or readiness change otherwise than by counting: `meta` changes with each call. */
  readonly version: string
  readonly buckets: string
  readonly dirty: string
  readonly judge: string
  /** Workspaces by the instant at which they are judged though nothing changed. */
  readonly agenda: string
  /** `<feature>/<workspace>` by the share of the limit that is used. */
  readonly near: string
  /** Operations with open holds, by the instant at which the sweeper looks at them. */
  readonly due: string
  usage(workspace: string): string
  members(workspace: string, meter: string): string
  /** Rebuild thresholds of a workspace, by partition. */
  thresholds(workspace: string): string
  facts(workspace: string): string
  /** Open holds of a workspace. */
  holds(workspace: string): string
  /** What became of one operation of a workspace. */
  operation(workspace: string, operation: string): string
  dedupe(day: string, subShard: number): string
  lease(what: string): string
}

/** Builds the keys of a shard; all carry one hash tag. */
export function shardKeys(shard: number, tag = `s${pad(shard)}`): ShardKeys {
  const prefix = `tg:{${tag}}:`
  return {
    shard,
    prefix,
    meta: `${prefix}m`,
    version: `${prefix}v`,
    buckets: `${prefix}b`,
    dirty: `${prefix}dirty`,
    judge: `${prefix}judge`,
    agenda: `${prefix}agenda`,
    near: `${prefix}near`,
    due: `${prefix}due`,
    usage: (workspace) => `${prefix}u:${workspace}`,
    members: (workspace, meter) => `${prefix}r:${workspace}:${meter}`,
    thresholds: (workspace) => `${prefix}t:${workspace}`,
    facts: (workspace) => `${prefix}e:${workspace}`,
    holds: (workspace) => `${prefix}o:${workspace}`,
    operation: (workspace, operation) => `${prefix}a:${workspace}/${operation}`,
    dedupe: (day, subShard) => `${prefix}d:${day}:${subShard}`,
    lease: (what) => `${prefix}lease:${what}`,
  }
}

/** The keys of every shard, by shard number. */
export function allShardKeys(shards: number): readonly ShardKeys[] {
  return Array.from({ length: shards }, (_, shard) => shardKeys(shard))
}
