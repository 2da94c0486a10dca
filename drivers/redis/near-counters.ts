import { accuracyAt } from '#core/entitlement/accuracy.ts'
import type { CounterReading, CounterStore, Standing, StandingNow } from '#core/ports.ts'
import type { ReadPlan } from '#core/usage/read-plan.ts'
import { spread } from '../spread.ts'
import { shardOf } from './keys.ts'
import { RedisClock } from './redis-clock.ts'

/** How far the counters of a shard can be trusted, as of one instant. */
export interface ShardLook {
  /** Redis' clock, ms with its microseconds. */
  readonly now: number
  /** False while it is being rebuilt. */
  readonly isReady: boolean
  readonly catalogueRevision: number
  /** By partition: everything appended up to then is counted. */
  readonly asOf: readonly number[]
  /** By partition: nothing is missing for good. */
  readonly isWhole: readonly boolean[]
}

/** A connection whose replies and news of changes come in the order in which Redis made them. */
export interface NearLink extends CounterStore {
  readonly isTracking: boolean
  /** Some shards, all from one instant. */
  look(shards: readonly number[]): Promise<readonly ShardLook[]>
  /** Begins anew with another connection. */
  startOver(): void
}

interface NearOptions {
  readonly link: NearLink
  /** Counters without this: while nothing is told of changes. */
  readonly direct: CounterStore
  readonly shards: number
  readonly partitionOf: (workspace: string) => number
  /** No answer is by an older state of Redis, ms. */
  readonly ageMaxMs: number
  /** A clock that never goes back, ms. */
  readonly now: () => number
  /** Readings at once; beyond that all are forgotten. */
  readonly readingsMax?: number
}

const READINGS_MAX = 50_000
/** A reading is made again after so long at most, though nothing was told of it, ms: for a Redis that forgets to tell. */
export const READ_AGAIN_MS = 10_000
/** A connection that has been silent for this share of the bound is not asked. */
const SILENT_SHARE = 0.1
/** A connection that has been silent for so long is given up, ms. */
const GIVEN_UP_MS = 1_000
/** A shard that nobody asked about for so long is no longer looked at, ms. */
export const UNUSED_MS = 1_000

interface State extends ShardLook {
  readonly sentAt: number
}

interface Looking {
  readonly sentAt: number
  /** Shards that changed meanwhile: what is said of them may be from before. */
  readonly overtaken: Set<number>
}

/** One reading: under way while it has a `reply` to come, then standing until it is dead. */
class Reading implements Standing {
  readonly #near: NearCounters
  readonly shard: number
  readonly partition: number
  isDead = false
  /** When it is to be made again. */
  readonly until: number
  /** While it is under way, for all who ask the same meanwhile. */
  reply: Promise<CounterReading> | null = null

  constructor(near: NearCounters, place: { shard: number; partition: number; until: number }) {
    this.#near = near
    this.shard = place.shard
    this.partition = place.partition
    this.until = place.until
  }

  now(): StandingNow | null {
    return this.isDead ? null : this.#near.standingOf(this)
  }
}

/**
 * Counters that stay right while Redis tells of changes: what was read stands until a key of it is changed (ADR 0016).
 *
 * News and replies come over one connection in one order, so a later look at any shard proves that everything that was
 * not told of until then is unchanged, and no answer rests on an older state than that. Each use of a shard keeps it
 * looked at, several times within the bound. All is forgotten with the connection, or when Redis forgets everything.
 */
export class NearCounters implements CounterStore {
  readonly #options: NearOptions
  readonly #readings = new Map<string, Map<string, Reading>>()
  /** By shard. */
  readonly #states: (State | undefined)[] = []
  /** By shard: when it was asked about last. */
  readonly #usedAt: number[]
  readonly #clock = new RedisClock()
  #count = 0
  #looking: Looking | null = null

  constructor(options: NearOptions) {
    this.#options = options
    this.#usedAt = Array.from({ length: options.shards }, () => Number.NEGATIVE_INFINITY)
  }

  /** Reads a workspace; one question for all who ask the same while it is under way. */
  async read(workspace: string, plan: ReadPlan): Promise<CounterReading> {
    const { link, direct } = this.#options
    if (!link.isTracking || this.#silentMs() > SILENT_SHARE * this.#options.ageMaxMs)
      return direct.read(workspace, plan)
    const name = JSON.stringify(plan)
    const underWay = this.#readings.get(workspace)?.get(name)
    if (underWay?.reply != null) return underWay.reply
    const reading = this.#begin(workspace, name)
    reading.reply = this.#ask(reading, { workspace, plan })
    return reading.reply
  }

  /** Takes note that keys were changed; null = all. What is under way may be from before and is not kept. */
  changed(keys: readonly string[] | null): void {
    if (keys === null) this.forgetAll()
    else for (const key of keys) this.#changedKey(key)
  }

  /** Forgets a workspace: somebody in this process changed it. */
  forget(workspace: string): void {
    const group = this.#readings.get(workspace)
    if (group === undefined) return
    for (const reading of group.values()) reading.isDead = true
    this.#count -= group.size
    this.#readings.delete(workspace)
  }

  /** Forgets everything, also what is under way. */
  forgetAll(): void {
    this.#forgetReadings()
    this.#states.length = 0
    this.#looking = null
  }

  /** Looks at the shards in use again; to be called several times within the bound. */
  look(): void {
    const { link, now } = this.#options
    const sentAt = now()
    if (this.#silentMs() > GIVEN_UP_MS) link.startOver()
    if (this.#looking !== null) return
    const shards = this.#shardsInUse(sentAt)
    if (shards.length === 0 || !link.isTracking) return
    const looking = { sentAt, overtaken: new Set<number>() }
    this.#looking = looking
    link.look(shards).then(
      (looks) => this.#seen(looking, shards, looks),
      () => {
        if (this.#looking === looking) this.#looking = null
      },
    )
  }

  /** How far a reading can be trusted by now; null when its shard must be looked at first. */
  standingOf({ shard, partition, until }: Reading): StandingNow | null {
    const { now, ageMaxMs } = this.#options
    const at = now()
    this.#usedAt[shard] = at
    const state = this.#states[shard]
    if (state === undefined || at - state.sentAt > ageMaxMs || at > until) return null
    const instant = this.#clock.at(at)
    const [asOf, isWhole] = [state.asOf[partition], state.isWhole[partition]]
    if (asOf === undefined || isWhole === undefined) return null
    const { catalogueRevision } = state
    return { now: instant, ...accuracyAt({ now: instant, asOf, isWhole }), catalogueRevision }
  }

  /** For how long an answer is missing, ms. */
  #silentMs(): number {
    return this.#looking === null ? 0 : this.#options.now() - this.#looking.sentAt
  }

  #begin(workspace: string, name: string): Reading {
    const { shards, partitionOf, now, readingsMax = READINGS_MAX } = this.#options
    if (this.#count >= readingsMax) this.#forgetReadings()
    const until = now() + spread(workspace, READ_AGAIN_MS)
    const place = { shard: shardOf(workspace, shards), partition: partitionOf(workspace), until }
    const reading = new Reading(this, place)
    const group = this.#readings.get(workspace) ?? new Map<string, Reading>()
    this.#readings.set(workspace, group)
    const before = group.get(name)
    if (before === undefined) this.#count += 1
    else before.isDead = true
    group.set(name, reading)
    return reading
  }

  async #ask(
    reading: Reading,
    { workspace, plan }: { workspace: string; plan: ReadPlan },
  ): Promise<CounterReading> {
    const { link, direct, now, ageMaxMs } = this.#options
    const at = now()
    this.#usedAt[reading.shard] = at
    const state = this.#states[reading.shard]
    if (state === undefined || at - state.sentAt > ageMaxMs) this.look()
    try {
      const read = await link.read(workspace, plan)
      if (read.state !== 'ready') reading.isDead = true
      return reading.isDead ? read : { ...read, standing: reading }
    } catch (error) {
      reading.isDead = true
      if (link.isTracking) throw error
      return await direct.read(workspace, plan)
    } finally {
      reading.reply = null
    }
  }

  #seen(looking: Looking, shards: readonly number[], looks: readonly ShardLook[]): void {
    if (this.#looking !== looking) return
    this.#looking = null
    const { sentAt } = looking
    const receivedAt = this.#options.now()
    const [any] = looks
    if (any !== undefined) this.#clock.hear({ sentAt, receivedAt, now: any.now })
    for (const [index, shard] of shards.entries()) {
      const look = looks[index]
      if (look?.isReady === true && !looking.overtaken.has(shard)) this.#states[shard] = { ...look, sentAt }
      else this.#states[shard] = undefined
    }
    if (this.#shardsInUse(receivedAt).some((shard) => !shards.includes(shard))) this.look()
  }

  #shardsInUse(at: number): readonly number[] {
    return this.#usedAt.flatMap((usedAt, shard) => (at - usedAt > UNUSED_MS ? [] : [shard]))
  }

  #forgetReadings(): void {
    for (const group of this.#readings.values()) for (const reading of group.values()) reading.isDead = true
    this.#readings.clear()
    this.#count = 0
  }

  #changedKey(key: string): void {
    const [, shard, kind, rest = ''] = /^tg:\{s(\d+)\}:(\w+):?(.*)$/.exec(key) ?? []
    if (kind === 'u' || kind === 'o') this.forget(rest)
    if (kind === 'r') this.forget(rest.slice(0, rest.lastIndexOf(':')))
    if (kind !== 'v') return
    this.#states[Number(shard)] = undefined
    this.#looking?.overtaken.add(Number(shard))
  }
}
