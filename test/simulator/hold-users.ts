import type { Redis } from 'ioredis'
import { sweepShard } from '#consumers/sweeper/sweep-shard.ts'
import type { Amount } from '#core/amount.ts'
import type { WorkspaceFacts } from '#core/entitlement/facts.ts'
import { coversRevision } from '#core/entitlement/facts-revision.ts'
import { TallygateError } from '#core/errors.ts'
import { HOUR_MS } from '#core/instant.ts'
import { type ConsumeDeps, consume } from '#core/operations/consume.ts'
import { unhurried } from '#core/operations/read-workspace.ts'
import { commitReservation, releaseReservation, reserve } from '#core/operations/reserve.ts'
import type { HoldStore } from '#core/ports.ts'
import type { HoldReading, HoldWish } from '#core/usage/hold.ts'
import type { OwnUsage } from '#core/usage/own-usage.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { redisHoldStore } from '#drivers/redis/redis-hold-store.ts'
import { putFacts } from '#drivers/redis/shard-scripts.ts'
import { subscriptionWith } from '#test/helpers/facts.ts'
import { type EventLog, hasher, type Next, partitionIn } from './event-log.ts'
import { catalogueOfSlots } from './slots-catalogue.ts'
import type { Turbulence } from './turbulence.ts'

interface Options {
  readonly redis: Redis
  readonly turbulence: Turbulence
  readonly next: Next
  readonly log: EventLog
  readonly shards: readonly ShardKeys[]
  readonly workspaces: readonly string[]
  readonly isLossy: boolean
}

/** One operation of a client, which asks again with the same body. */
interface Operation {
  readonly workspace: string
  readonly operation: string
  readonly items: readonly {
    readonly feature: string
    readonly quantity: number
    readonly subject?: string
  }[]
  readonly partial: boolean
  readonly isReservation: boolean
  readonly since: number
  readonly ttlMs: number
  readonly quantities: readonly number[] | null
}

/** Nothing is counted while a client waits: he asks again. */
const notNow = (): Promise<never> =>
  Promise.reject(new TallygateError('unavailable', 'counting stands still'))

/** No client asks again after this: the ids of its events are remembered for 72 h. */
const RETRIED_FOR_MS = 40 * HOUR_MS
const SLOTS = [3, 6, 12] as const

/**
 * Clients, API processes and sweepers that hold, consume, commit, release and sweep, with the code that does so for
 * real; only facts are kept in memory and the log is the simulation's.
 *
 * Notes a violation when a grant breaks the limit in force though Redis lost nothing, and when something is
 * acknowledged that is not in the log.
 */
export class HoldUsers {
  readonly violations: string[] = []
  readonly #options: Options
  readonly #catalogue = catalogueOfSlots()
  readonly #operations: Operation[] = []
  /** Limits by revision of the facts, for each workspace. */
  readonly #limits = new Map<string, number[]>()
  /** What each API process remembers. */
  readonly #apis: readonly ConsumeDeps[]

  constructor(options: Options) {
    this.#options = options
    for (const workspace of options.workspaces) this.#limits.set(workspace, [0, 6])
    this.#apis = [this.#api(), this.#api()]
  }

  /** One thing that a client, an administrator or the sweeper does. */
  async act(keys: ShardKeys): Promise<void> {
    const { next, turbulence } = this.#options
    const api = this.#apis[next(this.#apis.length)]
    const operation = next(2) === 0 ? this.#newOperation() : this.#anOldOne()
    if (api === undefined || operation === null) return
    const action = next(12)
    const redis = turbulence.redis()
    const sweeping = { redis, sink: { produce: this.#produce }, againMs: 0, onSwept: () => undefined }
    const act = (): Promise<unknown> => {
      if (action === 0) return this.#changeLimit(operation.workspace)
      if (action < 3) return sweepShard(sweeping, keys)
      if (!operation.isReservation)
        return action === 3 ? this.#release(api, operation) : this.#consume(api, operation)
      if (action < 7) return reserve(api, { ...operation, fingerprint: 'f', occurredAt: null })
      if (action === 10) return this.#settleByProduct(operation)
      return action < 9 ? this.#release(api, operation) : this.#commit(api, operation)
    }
    await act().catch(ignoreRefusal)
  }

  /** Everything that is open is brought to its end. */
  async finish(): Promise<void> {
    const { redis, shards } = this.#options
    const [api] = this.#apis
    if (api === undefined) return
    for (const operation of this.#operations)
      if (operation.isReservation) await this.#release(api, operation).catch(ignoreRefusal)
    const sweeping = { redis, sink: { produce: this.#produce }, againMs: 0, onSwept: () => undefined }
    for (const keys of shards) await sweepShard(sweeping, keys)
  }

  /** Holds that nobody will ever end, and those whose events should have settled them by now. */
  async left(): Promise<readonly string[]> {
    const found: string[] = []
    for (const workspace of this.#options.workspaces) {
      const keys = this.#keysOf(workspace)
      const fields = await this.#options.redis.hkeys(keys.holds(workspace))
      const open = fields.filter((field) => !/^[~=]/.test(field))
      if (open.length === 0 && fields.length > 0) found.push(`${workspace} holds ${fields} for nobody`)
      for (const operation of new Set(open.map((field) => field.slice(0, field.lastIndexOf('~'))))) {
        const isDue = await this.#options.redis.zscore(keys.due, `${workspace}/${operation}`)
        const kept = await this.#options.redis.get(keys.operation(workspace, operation))
        const state = kept?.split('\n')[0] ?? null
        if (isDue === null || state !== 'settled')
          found.push(`${workspace}/${operation} is ${state} for ever`)
      }
    }
    return found
  }

  async #consume(api: ConsumeDeps, operation: Operation): Promise<void> {
    const answer = await consume(api, { ...operation, fingerprint: 'f', occurredAt: null })
    if (answer.allowed) this.#acknowledged(operation.workspace, answer.eventIds)
  }

  async #commit(api: ConsumeDeps, operation: Operation): Promise<void> {
    const { eventIds } = await commitReservation({ ...api, pause: notNow }, operation)
    this.#acknowledged(operation.workspace, eventIds)
  }

  async #release({ holds }: ConsumeDeps, operation: Operation): Promise<void> {
    await releaseReservation(holds, operation)
  }

  /** The product reports the use itself and names the hold; one in two of these is refused, and only settles it. */
  async #settleByProduct({ workspace, operation }: Operation): Promise<void> {
    const { next, log } = this.#options
    log.appendSettling(partitionIn(workspace), {
      workspace,
      reservation: { operation, item: null },
      isVoid: next(2) === 0,
    })
  }

  #acknowledged(workspace: string, eventIds: readonly string[]): void {
    const missing = eventIds.filter(
      (id) => !this.#options.log.has(partitionIn(workspace), `${workspace}/${id}`),
    )
    if (missing.length > 0) this.violations.push(`${workspace}: ${missing} acknowledged, not in the log`)
  }

  readonly #produce = async (events: readonly OwnUsage[]): Promise<void> => {
    if (events.length === 0) return
    await this.#options.turbulence.call(async () => {
      for (const event of events) this.#options.log.appendOwn(partitionIn(event.workspace), event)
    })
  }

  #newOperation(): Operation {
    const { next, workspaces, log } = this.#options
    const items = Array.from({ length: 1 + next(2) }, () =>
      next(3) === 0
        ? { feature: 'whatsapp_numbers', quantity: 1, subject: `+${next(5)}` }
        : { feature: 'leads', quantity: 1 + next(3) },
    )
    const operation = {
      workspace: workspaces[next(workspaces.length)] ?? '',
      operation: `op${this.#operations.length}`,
      items,
      partial: next(4) === 0,
      isReservation: next(2) === 0,
      since: log.now,
      ttlMs: next(3) === 0 ? 0 : 600_000,
      quantities: next(2) === 0 ? null : items.map(() => next(2)),
    }
    this.#operations.push(operation)
    return operation
  }

  #anOldOne(): Operation | null {
    const { next, log } = this.#options
    const young = this.#operations.slice(-12).filter(({ since }) => log.now - since < RETRIED_FOR_MS)
    return young[next(Math.max(young.length, 1))] ?? null
  }

  /** Support changes the limit: stored first, then written through, which may fail. */
  async #changeLimit(workspace: string): Promise<void> {
    const { next } = this.#options
    this.#limits.get(workspace)?.push(SLOTS[next(SLOTS.length)] ?? 6)
    await this.#writeThrough(workspace)
  }

  async #writeThrough(workspace: string): Promise<void> {
    const { revision } = this.#facts(workspace)
    const change = {
      keys: this.#keysOf(workspace),
      workspace,
      revision,
      facts: '{}',
      nonce: 'n',
      since: null,
    }
    await putFacts(this.#options.turbulence.redis(), change)
  }

  #facts(workspace: string): WorkspaceFacts {
    const limits = this.#limits.get(workspace) ?? []
    const override = { limit: (limits.at(-1) ?? 0) as Amount, until: null, reason: 'test' }
    const subscription = subscriptionWith({ periodEnd: Date.UTC(2100, 0, 1) })
    const overrides = { leads: override, whatsapp_numbers: override }
    return { revision: `1.${limits.length - 1}.0`, subscription, overrides, crossings: {} }
  }

  #api(): ConsumeDeps {
    const remembered = new Map<string, WorkspaceFacts>()
    const load = async (workspace: string): Promise<WorkspaceFacts> => {
      const facts = this.#facts(workspace)
      await this.#writeThrough(workspace)
      remembered.set(workspace, facts)
      return facts
    }
    const current = (workspace: string, wanted: string): WorkspaceFacts | null => {
      const facts = remembered.get(workspace) ?? null
      return facts !== null && coversRevision({ have: facts.revision, wanted }) ? facts : null
    }
    const absent = (): never => {
      throw new Error('nobody asks for this')
    }
    return {
      facts: { current, load, refresh: absent, remembered: (workspace) => remembered.get(workspace) ?? null },
      catalogue: { load: absent, remembered: () => this.#catalogue },
      counters: { read: absent },
      now: () => Date.now(),
      inTime: unhurried,
      lastKnown: { get: () => null, set: () => undefined },
      sink: { requireReachable: () => undefined, produce: this.#produce },
      holds: this.#holdStore(),
    }
  }

  /** Holds as the API places them; events that are on their way are due at once. */
  #holdStore(): HoldStore {
    const { turbulence, shards } = this.#options
    const redis = turbulence.redis()
    const clock = (): number => Date.now()
    const store = redisHoldStore({ redis, shards, partitionOf: partitionIn, hasher, clock, againMs: 0 })
    return {
      ...store,
      hold: async (wish, basis) => {
        const dueMs = wish.state === 'committing' ? 0 : wish.dueMs
        const reply = await store.hold({ ...wish, dueMs }, basis)
        if (reply.outcome === 'held') await this.#judgeGrant(wish, reply.reading)
        return reply
      },
    }
  }

  /** Directly after a grant the limit that Redis knows of must hold of what rose, unless Redis lost something. */
  async #judgeGrant({ workspace, groups }: HoldWish, { figures }: HoldReading): Promise<void> {
    if (this.#options.isLossy) return
    const keys = this.#keysOf(workspace)
    const { redis } = this.#options
    const fields = await redis.hgetall(keys.usage(workspace))
    const limit = this.#limits.get(workspace)?.[Number(fields['rev']?.split('.')[1])]
    if (limit === undefined) return
    for (const [index, { meters }] of groups.entries()) {
      const meter = meters[0]?.meter ?? ''
      const before = (figures[index]?.used ?? 0) + (figures[index]?.held ?? 0)
      const used =
        meter === 'badges' ? await redis.scard(keys.members(workspace, meter)) : Number(fields[meter] ?? 0)
      const now = used + Number(fields[`h:${meter}`] ?? 0)
      if (now > before && now > limit)
        this.violations.push(`${workspace}: ${now} of ${limit} ${meter} after a grant, ${before} before it`)
    }
  }

  #keysOf(workspace: string): ShardKeys {
    const keys = this.#options.shards[shardOf(workspace, this.#options.shards.length)]
    if (keys === undefined) throw new RangeError(`no shard for ${workspace}`)
    return keys
  }
}

/** What a client is told; anything else is a bug, or a crash that the simulation deals with. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof TallygateError) || error.code === 'internal') throw error
}
