import { TallygateError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import type { HoldStore } from '#core/ports.ts'
import { PRODUCE_AGAIN_MS } from '#core/usage/hold.ts'
import type { Redis } from './connection.ts'
import { commit, findIds, type Hasher, hold, keepAnswer, packHold, release } from './hold-scripts.ts'
import { type ShardKeys, shardOf } from './keys.ts'

interface StoreOptions {
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  /** Partition of `usage.events` that a workspace's events are in. */
  readonly partitionOf: (workspace: string) => number
  readonly hasher: Hasher
  /** The process's clock; Redis' own is reckoned from it. */
  readonly clock: () => Instant
  /** When a commit is looked at by the sweeper, ms; `PRODUCE_AGAIN_MS` when left out. */
  readonly againMs?: number
}

/** Holds as Redis keeps them. Every failure to reach it is `unavailable`. */
export function redisHoldStore(options: StoreOptions): HoldStore {
  const { redis, shards, partitionOf, hasher, clock, againMs = PRODUCE_AGAIN_MS } = options
  let aheadMs = 0
  const now = (): Instant => clock() + aheadMs
  const keysOf = (workspace: string): ShardKeys => {
    const keys = shards[shardOf(workspace, shards.length)]
    if (keys === undefined) throw new RangeError(`no shard for ${workspace}`)
    return keys
  }
  return {
    now,
    async hold(wish, basis) {
      const { workspace } = wish
      const packed = packHold({
        keys: keysOf(workspace),
        partition: partitionOf(workspace),
        wish,
        basis,
        hasher,
        now: now(),
      })
      const reply = await reached(hold(redis, packed), workspace)
      if (reply.outcome !== 'rebuilding') aheadMs = reply.reading.now - clock()
      return reply
    },
    commit: (name, quantities) =>
      reached(
        commit(redis, { keys: keysOf(name.workspace), ...idOf(name), quantities, againMs }),
        name.workspace,
      ),
    release: (name) =>
      reached(release(redis, { keys: keysOf(name.workspace), ...idOf(name) }), name.workspace),
    keepAnswer: (name, kept) =>
      reached(keepAnswer(redis, { keys: keysOf(name.workspace), ...idOf(name), ...kept }), name.workspace),
    counted: (workspace, ids) =>
      reached(
        findIds(redis, {
          keys: keysOf(workspace),
          partition: partitionOf(workspace),
          workspace,
          ids,
          hasher,
          now: now(),
        }),
        workspace,
      ),
  }
}

function idOf({ workspace, operation }: { readonly workspace: string; readonly operation: string }): {
  readonly workspace: string
  readonly operation: string
} {
  return { workspace, operation }
}

async function reached<Value>(call: Promise<Value>, workspace: string): Promise<Value> {
  return call.catch((error: unknown) => {
    throw new TallygateError('unavailable', 'Redis did not answer; try again', { workspace }, error)
  })
}
