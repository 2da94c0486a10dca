import type { Instant } from '#core/instant.ts'
import type { Redis } from './connection.ts'
import { inPairs } from './in-pairs.ts'
import type { ShardKeys } from './keys.ts'

/** Stands among the workspaces for reading the whole list of them anew; no workspace has this id. */
export const LIST = '*'

/** What is due in a shard. */
export interface Due {
  readonly workspaces: readonly string[]
  /** When the first of them was to be judged; null where none is due. */
  readonly since: Instant | null
  /** The list of workspaces must be read: it never was in this life of the shard, or not for long. */
  readonly isListDue: boolean
}

interface DueInput {
  readonly keys: ShardKeys
  readonly now: Instant
  readonly limit: number
}

/**
 * When each workspace is judged again though nothing of it changed; lost with the shard, and then made anew from
 * the list of workspaces in MongoDB.
 */
export class Agenda {
  readonly #redis: Redis

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** The workspaces whose time has come, those that have waited longest first. */
  async due({ keys, now, limit }: DueInput): Promise<Due> {
    const [entries, listAt] = await Promise.all([
      this.#redis.zrangebyscore(keys.agenda, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit + 1),
      this.#redis.zscore(keys.agenda, LIST),
    ])
    const isListDue = listAt === null || Number(listAt) <= now
    const due = inPairs(entries).filter(([workspace]) => workspace !== LIST)
    const since = due[0] === undefined ? null : Number(due[0][1])
    return { workspaces: due.slice(0, limit).map(([workspace]) => workspace), since, isListDue }
  }

  /** Says when a workspace is to be judged again; null for not without a change. */
  async plan(keys: ShardKeys, workspace: string, at: Instant | null): Promise<void> {
    if (at === null) await this.#redis.zrem(keys.agenda, workspace)
    else await this.#redis.zadd(keys.agenda, at, workspace)
  }

  /** Makes workspaces due at an instant, unless they are due earlier. */
  async enlist(keys: ShardKeys, workspaces: readonly string[], at: Instant): Promise<void> {
    if (workspaces.length === 0) return
    await this.#redis.zadd(keys.agenda, 'LT', ...workspaces.flatMap((workspace) => [at, workspace]))
  }

  /** Says when the list is to be read again. */
  async planList(keys: ShardKeys, at: Instant): Promise<void> {
    await this.#redis.zadd(keys.agenda, at, LIST)
  }
}
