import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import type { Entitlement } from '#core/entitlement/entitlement.ts'
import { DAY_MS, dayOf, HOUR_MS, type Instant, SECOND_MS } from '#core/instant.ts'
import { reachedAt } from '#core/notices/reached-at.ts'
import type { CounterReading } from '#core/ports.ts'
import { CounterModel } from '#core/usage/counter-model.ts'
import { planReading, usageOf } from '#core/usage/feature-reading.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import { apply } from '#drivers/redis/apply.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { redisCounterStore } from '#drivers/redis/redis-counter-store.ts'
import { forgetStamp } from '#drivers/redis/shard-scripts.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'

const NOW = Date.UTC(2026, 5, 20, 12)
const WORKSPACE = 'acme'
const DAYS = [dayOf(NOW - DAY_MS), dayOf(NOW)] as const
const WINDOW_STARTS = NOW - DAY_MS
/** Live use, and history of one day, is of about one time. */
const AS_ONE_MS = 10 * SECOND_MS

const catalogue = defaultCatalogue()
const limits = { contacts_companies: 30, whatsapp_numbers: 3, ai_credits: 40 }
const entitlements = Object.entries(limits).map(([featureKey, limit]) => {
  const window = {
    from: WINDOW_STARTS,
    to: NOW + DAY_MS,
    days: DAYS,
    splitDay: { day: DAYS[0], startsAt: WINDOW_STARTS },
  }
  return { featureKey, feature: catalogue.features[featureKey], limit, window } as unknown as Entitlement
})
const plan = planReading(
  catalogue,
  entitlements.map((entitlement) => ({ entitlement, subject: null })),
)

type Next = (below: number) => number

interface LoggedEvent {
  readonly appendedAt: Instant
  readonly changes: readonly CounterChange[]
}

function randomChange(next: Next): CounterChange {
  const subject = `+${next(6)}`
  const meter = 'whatsapp_numbers'
  const occurredAt = WINDOW_STARTS + (next(30) - 15) * HOUR_MS
  const day = DAYS[next(2)] ?? DAYS[0]
  switch (next(10)) {
    case 0:
      return { kind: 'set', meter: 'contacts', units: next(40) }
    case 1:
      return { kind: 'split', meter: 'ai_credits', day: DAYS[0], startsAt: WINDOW_STARTS }
    case 2:
    case 3:
      return { kind: 'flow', meter: 'ai_credits', day, units: next(16) - 3, occurredAt }
    case 4:
      return { kind: 'join', meter, subject }
    case 5:
      return { kind: 'leave', meter, subject }
    case 6:
      return { kind: 'members', meter, subjects: [subject, '+9'] }
    case 7:
      return { kind: 'add', meter: 'companies', units: next(20) - 8 }
    default:
      return { kind: 'add', meter: 'contacts', units: next(20) - 8 }
  }
}

/** Live use, a second after the one before it, and now and then history of one of four days. */
function randomEvent(next: Next, position: number): LoggedEvent {
  const isHistory = next(3) === 0
  const appendedAt = isHistory ? NOW - (1 + next(4)) * DAY_MS : NOW + position * SECOND_MS
  return { appendedAt, changes: Array.from({ length: 1 + next(2) }, () => randomChange(next)) }
}

/** What the model counts after each event: the truth. */
class Truth {
  readonly events: LoggedEvent[] = []
  readonly #model = new CounterModel()
  readonly #readings: CounterReading[] = [this.#read()]

  add(event: LoggedEvent): void {
    const offset = this.events.push(event) - 1
    const identity = String(offset)
    const logged = { ...event, offset, workspace: WORKSPACE, identity }
    this.#model.apply({ partition: 0, known: offset - 1, upto: offset, events: [logged] })
    this.#readings.push(this.#read())
  }

  /** What is used once `count` events are counted. */
  usedAfter(count: number, entitlement: Entitlement): number {
    const reading = this.#readings[count]
    if (reading === undefined) throw new RangeError(`only ${this.events.length} events`)
    return usageOf({ entitlement, subject: null }, reading, catalogue).used
  }

  /**
   * Append times of the events that took use to the limit, of those from `looked` to `count`: the last one, and those
   * since which use dipped only while events of about one time were counted.
   */
  crossedAt({ looked, count }: { looked: number; count: number }, entitlement: Entitlement): Instant[] {
    const limit = Number(entitlement.limit)
    const crossings: Instant[] = []
    for (let at = count; at > looked; at -= 1) {
      const [event, previous] = [this.events[at - 1], this.events[at - 2]]
      if (event === undefined) break
      const isBelow = this.usedAfter(at - 1, entitlement) < limit
      if (isBelow && this.usedAfter(at, entitlement) >= limit) crossings.push(event.appendedAt)
      const isOfOtherTime = Math.abs(event.appendedAt - (previous?.appendedAt ?? 0)) > AS_ONE_MS
      if (isBelow && isOfOtherTime) break
    }
    return crossings
  }

  #read(): CounterReading {
    const sizes = { whatsapp_numbers: this.#model.members(WORKSPACE, 'whatsapp_numbers').length }
    return { fields: this.#model.fields(WORKSPACE), sizes } as unknown as CounterReading
  }
}

test('L1: a crossing is dated by the call that crossed, whatever history comes with it and between looks', async ({
  onTestFinished,
}) => {
  const redis = new Redis(engineAddresses().redis)
  onTestFinished(() => redis.disconnect())
  const seed = seedOfRun()
  const next = seededRandom(seed)
  let dated = 0
  for (let history = 0; history < 60; history += 1) {
    const keys = shardKeys(0, randomUUID())
    await redis.hset(keys.meta, 'inc', '7', 'ready', '1')
    const counters = redisCounterStore({ redis, shards: [keys], partitionOf: () => 0, hasUnjudged: true })
    const truth = new Truth()
    const count = async (): Promise<void> => {
      const known = truth.events.length - 1
      const own = Array.from({ length: next(4) }, (_, index) => randomEvent(next, known + 1 + index))
      const events = own.map((event, index) => ({
        ...event,
        offset: known + 1 + index,
        workspace: WORKSPACE,
        occurredAt: event.appendedAt,
        dedupe: { member: randomUUID(), subShard: 0 },
        reservation: null,
        isVoid: false,
      }))
      for (const event of own) truth.add(event)
      const upto = known + events.length
      const head = { keys, incarnation: '7', partition: 0, known, upto, at: Date.now(), seen: null }
      await apply(redis, packSlice({ ...head, hasThresholds: false, nonce: randomUUID(), events }))
    }
    let looked = 0
    for (let look = 0; look < 20; look += 1) {
      await count()
      const reading = await counters.read(WORKSPACE, plan)
      const seen = truth.events.length
      await count()
      for (const entitlement of entitlements) {
        const limit = Number(entitlement.limit)
        const isNew =
          truth.usedAfter(looked, entitlement) < limit && truth.usedAfter(seen, entitlement) >= limit
        if (!isNew) continue
        const found = reachedAt({ entitlement, reading, catalogue }, (used) => used >= limit)
        const wanted = truth.crossedAt({ looked, count: seen }, entitlement)
        const nearest = Math.min(...wanted.map((at) => Math.abs((found ?? 0) - at)))
        const where = `seed ${seed}, history ${history}, look ${look}, ${entitlement.featureKey}, ${found} for ${wanted}: ${reading.unjudged?.kept}`
        expect(nearest, where).toBeLessThanOrEqual(AS_ONE_MS)
        dated += 1
      }
      await forgetStamp(redis, {
        hash: keys.judge,
        workspace: WORKSPACE,
        value: reading.unjudged?.kept ?? '',
      })
      looked = seen
    }
  }
  expect(dated, `seed ${seed}: crossings dated`).toBeGreaterThan(100)
})
