import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { DAY_MS, dayOf, HOUR_MS } from '#core/instant.ts'
import { CounterModel, type ModelEvent } from '#core/usage/counter-model.ts'
import type { HeldMeter, HoldItem, HoldReading, HoldWish, OpenItem, OperationName } from '#core/usage/hold.ts'
import { HoldModel } from '#core/usage/hold-model.ts'
import { itemEventId, type ReservationReference } from '#core/usage/reservation.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import { apply } from '#drivers/redis/apply.ts'
import { redisTime } from '#drivers/redis/clock.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { commit, hold, packHold, release, sweep } from '#drivers/redis/hold-scripts.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'

const STEPS = Number(process.env['G10_STEPS'] ?? 4_000)
const HISTORY = 200
const hasher = dedupeHasher('k'.repeat(64))
const METERS = ['leads', 'contacts', 'credits', 'numbers'] as const
type Meter = (typeof METERS)[number]

/** Scripts and model side by side over one random history; each step compares what both say and what both hold. */
class History {
  readonly #redis: Redis
  readonly #next: (below: number) => number
  readonly #keys = shardKeys(0, randomUUID())
  readonly #counters = new CounterModel()
  readonly #model = new HoldModel(this.#counters)
  readonly #ids = new Set<string>()
  readonly #day: string
  readonly #now: number
  /** What each operation that is known was decided by. */
  readonly #decided = new Map<string, Pick<HoldReading, 'figures' | 'granted' | 'free' | 'grounds'>>()
  #offset = -1

  constructor(redis: Redis, next: (below: number) => number, now: number) {
    this.#redis = redis
    this.#next = next
    this.#now = now
    this.#day = dayOf(now)
  }

  async run(steps: number, where: string): Promise<void> {
    await this.#redis.hset(this.#keys.meta, 'inc', '1', 'ready', '1', 'cat', '7')
    for (let step = 0; step < steps; step += 1) {
      const at = `${where}, step ${step}`
      await this.#step(at)
      for (const workspace of ['w1', 'w2']) await this.#compare(workspace, at)
    }
    const left = await this.#redis.keys(`${this.#keys.prefix}*`)
    if (left.length > 0) await this.#redis.del(...left)
  }

  async #step(where: string): Promise<void> {
    const name = { workspace: `w${1 + this.#next(2)}`, operation: `op${this.#next(12)}` }
    switch (this.#next(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.#hold(name, where)
      case 4:
      case 5:
        return this.#commit(name, where)
      case 6: {
        const outcome = await release(this.#redis, { keys: this.#keys, ...name })
        expect(outcome, `${where}: release`).toBe(this.#model.release(name))
        return
      }
      case 7:
      case 8:
        return this.#sweep(name, where)
      case 9:
        return this.#settleOwn(name, where)
      case 10:
        return this.#next(8) === 0 ? this.#copy(name, where) : this.#event(name, where)
      default:
        return this.#age(name)
    }
  }

  async #hold(name: OperationName, where: string): Promise<void> {
    const wish = this.#wish(name)
    const basis = { factsRevision: '', catalogueRevision: 7, from: 0, until: this.#now + 10 * DAY_MS }
    const packed = packHold({ keys: this.#keys, partition: 0, wish, basis, hasher, now: this.#now })
    const reply = await hold(this.#redis, packed)
    if (reply.outcome === 'rebuilding') throw new Error(`${where}: the shard is ready`)
    const figures = wish.groups.map(({ meters }) => this.#model.figures(name.workspace, meters))
    const isCounted = (id: string): boolean => this.#ids.has(`${name.workspace} ${id}`)
    const expected = this.#model.hold(wish, reply.reading.now, isCounted)
    expect(reply.outcome, `${where}: hold ${JSON.stringify(wish)}`).toBe(expected.outcome)
    if (reply.outcome === 'held' || reply.outcome === 'denied' || reply.outcome === 'again')
      expect(reply.reading.granted, `${where}: granted of ${JSON.stringify(wish)}`).toEqual(expected.granted)
    if (reply.outcome === 'held' || reply.outcome === 'denied')
      expect(reply.reading.figures, `${where}: figures`).toEqual(figures)
    if (reply.outcome === 'held' || reply.outcome === 'again')
      expect(reply.reading.open, `${where}: open`).toEqual(this.#model.open(name))
    const { figures: seen, granted, free, grounds } = reply.reading
    const key = `${name.workspace}/${name.operation}`
    if (reply.outcome === 'held')
      this.#decided.set(key, { figures: seen, granted, free, grounds: wish.grounds })
    if (reply.outcome === 'again')
      expect({ figures: seen, granted, free, grounds }, `${where}: kept`).toEqual(this.#decided.get(key))
  }

  /** Few ids with few bodies, so that most are asked for again, with another body, or after they were resolved. */
  #wish(name: OperationName): HoldWish {
    const groups = [
      { meters: ['leads', 'contacts'] as const, limit: this.#next(4) === 0 ? null : this.#next(20) },
      { meters: ['credits'] as const, limit: this.#next(20) },
      { meters: ['numbers'] as const, limit: this.#next(4) },
    ].map(({ meters, limit }) => ({
      limit,
      bindsFrom: this.#next(5) === 0 ? 3 : 0,
      isDenied: this.#next(15) === 0,
      meters: meters.map((meter) => this.#meter(meter)),
    }))
    const items = Array.from({ length: 1 + this.#next(3) }, () => this.#item())
    return {
      ...name,
      fingerprint: `f${this.#next(8) === 0 ? 1 : 0}`,
      occurredAt: this.#next(5) === 0 ? this.#now - this.#next(26) * HOUR_MS : null,
      state: this.#next(2) === 0 ? 'committing' : 'held',
      dueMs: this.#next(2) === 0 ? 0 : 600_000,
      partial: this.#next(4) === 0,
      groups,
      items,
      grounds: `["${this.#next(1_000)}"]`,
    }
  }

  #meter(meter: Meter): HeldMeter {
    const day = this.#day
    const aggregation = meter === 'credits' ? 'sum' : meter === 'numbers' ? 'distinct' : 'level'
    const splitDay = this.#next(2) === 0 ? { day, startsAt: this.#now - 5 } : null
    const window = aggregation === 'sum' ? { from: 0, to: this.#now + DAY_MS, days: [day], splitDay } : null
    return { meter, aggregation, window }
  }

  #item(): HoldItem {
    const meter = METERS[this.#next(METERS.length)] ?? 'leads'
    const group = meter === 'credits' ? 1 : meter === 'numbers' ? 2 : 0
    const isDistinct = meter === 'numbers'
    return {
      group,
      meter,
      quantity: isDistinct ? 1 : this.#next(7),
      subject: isDistinct ? `+${this.#next(4)}` : null,
    }
  }

  async #commit(name: OperationName, where: string): Promise<void> {
    const quantities =
      this.#next(2) === 0 ? null : Array.from({ length: 1 + this.#next(2) }, () => this.#next(5))
    const againMs = this.#next(2) * 60_000
    const reply = await commit(this.#redis, { keys: this.#keys, ...name, quantities, againMs })
    const now = 'now' in reply ? reply.now : 0
    expect(reply.outcome, `${where}: commit ${quantities}`).toBe(
      this.#model.commit(name, { quantities, againMs }, now),
    )
    if ('open' in reply) expect(reply.open, `${where}: open`).toEqual(this.#model.open(name))
  }

  async #sweep(name: OperationName, where: string): Promise<void> {
    const againMs = this.#next(2) * 60_000
    const reply = await sweep(this.#redis, { keys: this.#keys, ...name, againMs })
    expect(reply.outcome, `${where}: sweep`).toBe(this.#model.sweep(name, againMs, reply.now))
  }

  /** Our own event of one of its items is applied, as it is or set aside. */
  async #settleOwn(name: OperationName, where: string): Promise<void> {
    const open = this.#model.open(name)
    const item = open[this.#next(Math.max(open.length, 1))]
    if (item === undefined) return
    const id = itemEventId({ operation: name.operation, item: item.item })
    const isVoid = this.#next(8) === 0
    const reservation = { operation: name.operation, item: item.item }
    await this.#apply(name.workspace, { id, reservation, isVoid, changes: [this.#changeOf(item)] }, where)
  }

  /** An event of an item that may not be held (yet), or again: Redis may have gone back in between. */
  async #copy(name: OperationName, where: string): Promise<void> {
    const item = this.#next(2)
    const reservation = { operation: name.operation, item }
    const id = itemEventId(reservation)
    const changes: CounterChange[] = [{ kind: 'add', meter: 'leads', units: 1 }]
    await this.#apply(name.workspace, { id, reservation, isVoid: false, changes }, where)
  }

  /** The product's own event names the operation alone, or nothing at all. */
  async #event(name: OperationName, where: string): Promise<void> {
    const meter = METERS[this.#next(METERS.length)] ?? 'leads'
    const item = { item: 0, meter, quantity: this.#next(4), occurredAt: this.#now - this.#next(9) }
    const change = this.#changeOf({ ...item, subject: meter === 'numbers' ? `+${this.#next(4)}` : null })
    const reservation = this.#next(3) === 0 ? null : { operation: name.operation, item: null }
    const isVoid = reservation !== null && this.#next(6) === 0
    const id = `e${this.#next(400)}`
    await this.#apply(name.workspace, { id, reservation, isVoid, changes: [change] }, where)
  }

  #changeOf({ meter, quantity, subject, occurredAt }: OpenItem): CounterChange {
    if (subject !== null && this.#next(6) === 0)
      return { kind: 'members', meter, subjects: ['+0', '+1', '+2', '+3'].filter(() => this.#next(2) === 0) }
    if (subject !== null) return { kind: this.#next(3) === 0 ? 'leave' : 'join', meter, subject }
    if (meter !== 'credits') return { kind: 'add', meter, units: this.#next(3) === 0 ? -quantity : quantity }
    if (this.#next(6) === 0) return { kind: 'split', meter, day: this.#day, startsAt: this.#now - 5 }
    return { kind: 'flow', meter, day: this.#day, units: quantity, occurredAt }
  }

  async #apply(
    workspace: string,
    event: {
      readonly id: string
      readonly reservation: ReservationReference | null
      readonly isVoid: boolean
      readonly changes: readonly CounterChange[]
    },
    where: string,
  ): Promise<void> {
    const { id, reservation, isVoid } = event
    const offset = this.#offset + 1
    const changes = isVoid ? [] : event.changes
    const identity = `${workspace} ${id}`
    const isNew = isVoid || !this.#ids.has(identity)
    const dedupe = hasher({ workspace, source: 'tallygate', id })
    const shared = { offset, workspace, appendedAt: this.#now, changes, identity }
    const slice = {
      keys: this.#keys,
      incarnation: '1',
      partition: 0,
      known: this.#offset,
      upto: offset,
      at: this.#now,
      seen: null,
      nonce: 'n',
      hasThresholds: false,
      events: [{ ...shared, occurredAt: this.#now, dedupe, reservation, isVoid }],
    }
    const reply = await apply(this.#redis, packSlice(slice))
    expect(reply.outcome, where).toBe('OK')
    const events: readonly ModelEvent[] = isVoid ? [] : [shared]
    this.#counters.apply({ partition: 0, known: this.#offset, upto: offset, events })
    if (!isVoid) this.#ids.add(identity)
    const meters = [...new Set(changes.map(({ meter }) => meter))]
    if (reservation !== null) this.#model.settle(workspace, reservation, { meters, isNew })
    this.#offset = offset
  }

  /** A day and a half go by for one operation. */
  async #age({ workspace, operation }: OperationName): Promise<void> {
    const key = this.#keys.operation(workspace, operation)
    const by = (1 + this.#next(2)) * 21 * HOUR_MS
    const [state, fingerprint, items, at, deadline, ...rest] = (await this.#redis.get(key))?.split('\n') ?? []
    if (state === undefined) return
    const older = [state, fingerprint, items, Number(at) - by, Number(deadline) - by, ...rest]
    await this.#redis.set(key, older.join('\n'), 'KEEPTTL')
    const member = `${workspace}/${operation}`
    if ((await this.#redis.zscore(this.#keys.due, member)) !== null)
      await this.#redis.zincrby(this.#keys.due, -by, member)
    this.#model.age({ workspace, operation }, by)
  }

  async #compare(workspace: string, where: string): Promise<void> {
    const fields = { ...this.#counters.fields(workspace), ...this.#model.fields(workspace) }
    expect(await this.#redis.hgetall(this.#keys.usage(workspace)), `${where}: ${workspace}`).toEqual(fields)
  }
}

test('G10 conformance: the scripts of holds and the model agree on random histories', async ({
  onTestFinished,
}) => {
  const redis = new Redis(engineAddresses().redis)
  onTestFinished(() => redis.disconnect())
  const seed = seedOfRun()
  const next = seededRandom(seed)
  for (let done = 0; done < STEPS; done += HISTORY) {
    const history = new History(redis, next, await redisTime(redis, shardKeys(0)))
    await history.run(HISTORY, `seed ${seed}, history ${done / HISTORY}`)
  }
}, 600_000)
