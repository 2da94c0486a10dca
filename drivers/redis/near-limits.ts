import type { Redis } from './connection.ts'
import { inPairs } from './in-pairs.ts'
import { fnv1a, type ShardKeys, shardOf } from './keys.ts'

/** Shares below this are not kept, percent: nobody asks who is far from a limit. */
export const NEAR_FROM_PERCENT = 50

/** A feature of a workspace. */
export interface NearMember {
  readonly workspace: string
  readonly feature: string
}

/** A workspace's share of one limit when it was last judged. */
export interface NearLimit extends NearMember {
  /** Percent of the limit, and after the point what tells equal ones apart: a place in the list. */
  readonly place: number
}

/** Part of the list: `from` ≤ percent, place < `below`, highest first. */
export interface NearQuery {
  readonly from: number
  readonly below: number
  readonly limit: number
  /** Nothing else is looked at; null for the whole list. */
  readonly only: readonly NearMember[] | null
}

const PLACES = 2 ** 20

/**
 * The workspaces that use most of a limit, kept by the judge; lost with a shard, and made anew when every workspace of it
 * is judged.
 */
export class NearLimits {
  readonly #redis: Redis

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** Keeps a workspace's shares, percent by feature; null where there is no limit. */
  async put(
    keys: ShardKeys,
    workspace: string,
    shares: Readonly<Record<string, number | null>>,
  ): Promise<void> {
    const near: (string | number)[] = []
    const far: string[] = []
    for (const [feature, percent] of Object.entries(shares)) {
      const member = memberOf({ feature, workspace })
      if (percent === null || percent < NEAR_FROM_PERCENT) far.push(member)
      else near.push(percent + (fnv1a(member) % PLACES) / PLACES, member)
    }
    await Promise.all([
      near.length === 0 ? null : this.#redis.zadd(keys.near, ...near),
      far.length === 0 ? null : this.#redis.zrem(keys.near, ...far),
    ])
  }

  /** The highest of all shards. */
  async highest(shards: readonly ShardKeys[], query: NearQuery): Promise<readonly NearLimit[]> {
    const { only, limit } = query
    const found = only === null ? await this.#all(shards, query) : await this.#these(shards, only, query)
    return found.sort((a, b) => b.place - a.place).slice(0, limit)
  }

  async #all(shards: readonly ShardKeys[], { from, below, limit }: NearQuery): Promise<NearLimit[]> {
    const replies = await Promise.all(
      shards.map(({ near }) =>
        this.#redis.zrevrangebyscore(near, `(${below}`, from, 'WITHSCORES', 'LIMIT', 0, limit),
      ),
    )
    return replies.flatMap(inPairs).map(limitOf)
  }

  async #these(
    shards: readonly ShardKeys[],
    only: readonly NearMember[],
    { from, below }: NearQuery,
  ): Promise<NearLimit[]> {
    const byShard = Map.groupBy(only, ({ workspace }) => shardOf(workspace, shards.length))
    const found = await Promise.all(
      [...byShard].map(async ([shard, members]) => {
        const keys = shards[shard]
        if (keys === undefined) return []
        const places = await this.#redis.zmscore(keys.near, ...members.map(memberOf))
        return members.map((member, index) => ({ ...member, place: Number(places[index] ?? -1) }))
      }),
    )
    return found.flat().filter(({ place }) => place >= from && place < below)
  }
}

function memberOf({ feature, workspace }: NearMember): string {
  return `${feature}/${workspace}`
}

function limitOf([member, place]: readonly [string, string]): NearLimit {
  const slash = member.indexOf('/')
  return { feature: member.slice(0, slash), workspace: member.slice(slash + 1), place: Number(place) }
}
