import { randomUUID } from 'node:crypto'
import type { Override, WorkspaceFacts } from '#core/entitlement/facts.ts'
import { coversRevision, formatRevision } from '#core/entitlement/facts-revision.ts'
import { TallygateError } from '#core/errors.ts'
import type { FactStore } from '#core/ports.ts'
import type { AcceptedSubscription, SubscriptionEvent } from '#core/subscription/subscription.ts'
import type { FactsSource, StoredFacts } from '#drivers/mongo/facts-source.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { putFacts } from '#drivers/redis/shard-scripts.ts'
import { packFacts, unpackFacts } from './packed-facts.ts'
import { spread } from './spread.ts'

/** How old a copy of the facts may be at most before MongoDB is asked again (counting.md, "Facts and readiness"). */
const FRESH_MS = 60_000
/** Workspaces whose facts one process remembers. */
const REMEMBERED_MAX = 100_000
/** How often MongoDB is read again when Redis names newer facts; what it does not have then it lost. */
const READS_MAX = 5

interface Remembered {
  readonly facts: WorkspaceFacts
  /** Until when they are used, by a clock that never goes back, ms. */
  readonly until: number
}

interface FactStoreOptions {
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  readonly source: Pick<FactsSource, 'read'>
  /** The fold of the stored versions under the catalogue's rules. */
  readonly fold: (versions: readonly SubscriptionEvent[]) => Promise<AcceptedSubscription | null>
}

interface PutWish {
  readonly workspace: string
  readonly since: number | null
  /** Revision that Redis named before MongoDB was read; '' while others may be about to store. */
  readonly lost: string
}

/** What writing facts through to Redis came to. */
export type PutOutcome = 'STORED' | 'SAME' | 'OLDER' | 'MIXED' | 'INC'

/**
 * The facts of workspaces: remembered in the process, cached in Redis, true in MongoDB.
 *
 * A copy is used while it covers the revision that Redis names and is no older than 60 s, so that a fact lost in
 * a Redis failover is missed for a minute at most.
 */
export class CachedFactStore implements FactStore {
  readonly #options: FactStoreOptions
  readonly #remembered = new Map<string, Remembered>()

  constructor(options: FactStoreOptions) {
    this.#options = options
  }

  remembered(workspace: string): WorkspaceFacts | null {
    return this.#remembered.get(workspace)?.facts ?? null
  }

  current(workspace: string, revision: string): WorkspaceFacts | null {
    const known = this.#remembered.get(workspace)
    return known !== undefined && isUsable(known, revision) ? known.facts : null
  }

  async load(workspace: string, revision: string): Promise<WorkspaceFacts> {
    const current = this.current(workspace, revision)
    if (current !== null) return current
    const cached = await this.#fromRedis(workspace)
    if (cached !== null && isUsable(cached, revision)) return this.#remember(workspace, cached)
    return this.refresh(workspace, null).catch((error: unknown) => {
      const old = cached?.facts ?? this.remembered(workspace)
      if (old !== null && coversRevision({ have: old.revision, wanted: revision })) return old
      throw error
    })
  }

  /**
   * Reads MongoDB and writes what it says through to Redis.
   *
   * `since`: from when a crossing that the change causes would count, ms; null when it cannot cause one, and then nobody is
   * asked to judge it. Facts are stored before Redis names them, so that a MongoDB which does not have what Redis named before was restored from a backup: Redis then
   * takes what there is. Throws `unavailable` when MongoDB cannot be read.
   */
  async refresh(workspace: string, since: number | null): Promise<WorkspaceFacts> {
    for (let attempt = 1; ; attempt += 1) {
      const lost = attempt === READS_MAX ? await this.#named(workspace) : ''
      const facts = await this.read(workspace)
      const outcome = await this.#put(facts, { workspace, since, lost })
      const isBehind = outcome === 'MIXED' || outcome === 'OLDER'
      if (!isBehind || attempt === READS_MAX)
        return this.#remember(workspace, { facts, until: usableUntil(workspace, performance.now()) })
    }
  }

  /** What MongoDB says now, without any cache. */
  async read(workspace: string): Promise<WorkspaceFacts> {
    const stored = await this.#options.source.read(workspace).catch((error: unknown) => {
      throw new TallygateError('unavailable', 'MongoDB did not answer; try again', { workspace }, error)
    })
    return factsOf(stored, await this.#options.fold(stored.versions))
  }

  /** Writes facts through; `unavailable` when Redis cannot be reached or the shard is not usable yet. */
  async #put(facts: WorkspaceFacts, { workspace, since, lost }: PutWish): Promise<PutOutcome> {
    const keys = this.#keysOf(workspace)
    const { revision } = facts
    // Whoever has no facts is answered also by a Redis that takes no writes.
    if (revision === '0.0.0' && (await this.#named(workspace)) === '') return 'SAME'
    const packed = packFacts({ facts, readAt: Date.now() })
    const input = { keys, workspace, revision, facts: packed, nonce: randomUUID(), since, lost }
    return reached(putFacts(this.#options.redis, input), workspace)
  }

  /** The revision that Redis names, '' for none. */
  async #named(workspace: string): Promise<string> {
    const { usage } = this.#keysOf(workspace)
    return (await reached(this.#options.redis.hget(usage(workspace), 'rev'), workspace)) ?? ''
  }

  async #fromRedis(workspace: string): Promise<Remembered | null> {
    const key = this.#keysOf(workspace).facts(workspace)
    const packed = await reached(this.#options.redis.getBuffer(key), workspace)
    const kept = packed === null ? null : unpackFacts(packed)
    if (kept === null) return null
    // A clock that is ahead of ours dates a copy into our future: that makes it no younger than one as far in the past.
    const readAt = performance.now() - Math.abs(Date.now() - kept.readAt)
    return { facts: kept.facts, until: usableUntil(workspace, readAt) }
  }

  #keysOf(workspace: string): ShardKeys {
    const { shards } = this.#options
    const keys = shards[shardOf(workspace, shards.length)]
    if (keys === undefined) throw new RangeError(`no shard for ${workspace}`)
    return keys
  }

  #remember(workspace: string, remembered: Remembered): WorkspaceFacts {
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    this.#remembered.set(workspace, remembered)
    return remembered.facts
  }
}

async function reached<Value>(call: Promise<Value>, workspace: string): Promise<Value> {
  return call.catch((error: unknown) => {
    throw new TallygateError('unavailable', 'Redis did not answer; try again', { workspace }, error)
  })
}

function usableUntil(workspace: string, readAt: number): number {
  return readAt + spread(workspace, FRESH_MS)
}

function isUsable({ facts, until }: Remembered, revision: string): boolean {
  return performance.now() < until && coversRevision({ have: facts.revision, wanted: revision })
}

function factsOf(stored: StoredFacts, subscription: AcceptedSubscription | null): WorkspaceFacts {
  const { versions, overrides, crossings } = stored
  const inForce = new Map<string, Override>()
  for (const { feature, override } of overrides) {
    if (override === null) inForce.delete(feature)
    else inForce.set(feature, override)
  }
  return {
    revision: formatRevision({
      versions: versions.length,
      overrides: overrides.length,
      crossings: crossings.count,
    }),
    subscription,
    overrides: Object.fromEntries(inForce),
    crossings: crossings.newest?.crossings ?? {},
  }
}
