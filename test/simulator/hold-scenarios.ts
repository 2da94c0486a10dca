import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Amount } from '#core/amount.ts'
import type { Instant } from '#core/instant.ts'
import { commitReservation } from '#core/operations/reserve.ts'
import type { HoldStore } from '#core/ports.ts'
import type { HoldWish } from '#core/usage/hold.ts'
import { apply, type SliceEvent } from '#drivers/redis/apply.ts'
import { redisTime } from '#drivers/redis/clock.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { type ShardKeys, shardKeys, shardOf } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { redisHoldStore } from '#drivers/redis/redis-hold-store.ts'
import { SHARDS, wipe } from './disasters.ts'

/**
 * An API dies after it began to commit and before it wrote the event; the product reports the use itself, too, and names
 * the reservation. The client commits again: whatever is acknowledged must have been written by then.
 */
export async function settledWhileCommitting(redis: Redis): Promise<string | null> {
  const { name, keys, store, now, hasher } = await reserved(redis)
  const written: string[] = []
  const dying = { holds: store, pause, sink: { requireReachable: () => undefined, produce: died } }
  await commitReservation(dying, { ...name, quantities: null }).catch(() => undefined)
  const place = { keys, incarnation: '1', partition: 0, known: -1, upto: 0, at: now, seen: null, nonce: 'n' }
  const events = [productEvent(name, { now, hasher })]
  await apply(redis, packSlice({ ...place, hasThresholds: false, events }))
  const produce = async (own: readonly { readonly id: string }[]): Promise<void> => {
    written.push(...own.map((one) => one.id))
  }
  const living = { holds: store, pause, sink: { requireReachable: () => undefined, produce } }
  const { eventIds } = await commitReservation(living, { ...name, quantities: null })
  await wipe(redis, keys)
  const missing = eventIds.filter((one) => !written.includes(one))
  return missing.length === 0 && eventIds.length === 1
    ? null
    : `${eventIds} acknowledged, ${missing} not in the log`
}

/** A reservation is committed and its event is on its way: whoever gives it back now would let others use it, too. */
export async function releasedAfterCommit(redis: Redis): Promise<string | null> {
  const { name, keys, store } = await reserved(redis)
  const sink = { requireReachable: () => undefined, produce: async () => undefined }
  await commitReservation({ holds: store, pause, sink }, { ...name, quantities: null })
  const outcome = await store.release(name)
  const held = await redis.hget(keys.usage(name.workspace), 'h:leads')
  await wipe(redis, keys)
  return held === '1' ? null : `${outcome}: ${held} of 1 lead is held, and its event is not counted yet`
}

/** A shard with one reservation of one lead. */
async function reserved(redis: Redis): Promise<{
  readonly name: Name
  readonly keys: ShardKeys
  readonly store: HoldStore
  readonly now: Instant
  readonly hasher: ReturnType<typeof dedupeHasher>
}> {
  const name = { workspace: 'acme', operation: 'op' }
  const hasher = dedupeHasher('key of a scenario')
  const [id, shard] = [randomUUID(), shardOf(name.workspace, SHARDS)]
  const shards = Array.from({ length: SHARDS }, (_, number) => shardKeys(number, id))
  const keys = shards[shard] ?? shardKeys(shard, id)
  await redis.hset(keys.meta, 'inc', '1', 'ready', '1')
  const now = await redisTime(redis, keys)
  const store = redisHoldStore({ redis, shards, partitionOf: () => 0, hasher, clock: () => now })
  await store.hold(reservationOf(name), { factsRevision: '', catalogueRevision: 0, from: 0, until: now * 2 })
  return { name, keys, store, now, hasher }
}

interface Name {
  readonly workspace: string
  readonly operation: string
}

async function died(): Promise<never> {
  throw new Error('the process died')
}

function reservationOf(name: Name): HoldWish {
  const meters = [{ meter: 'leads', aggregation: 'level', window: null }] as const
  return {
    ...name,
    fingerprint: 'f',
    occurredAt: null,
    state: 'held',
    dueMs: 600_000,
    partial: false,
    grounds: '[]',
    groups: [{ limit: 10 as Amount, bindsFrom: 0 as Amount, isDenied: false, meters }],
    items: [{ group: 0, meter: 'leads', quantity: 1 as Amount, subject: null }],
  }
}

function productEvent(
  { workspace, operation }: Name,
  { now, hasher }: { readonly now: Instant; readonly hasher: ReturnType<typeof dedupeHasher> },
): SliceEvent {
  return {
    offset: 0,
    workspace,
    occurredAt: now,
    appendedAt: now,
    dedupe: hasher({ workspace, source: 'crm', id: 'e0' }),
    changes: [{ kind: 'add', meter: 'leads', units: 1 }],
    reservation: { operation, item: null },
    isVoid: false,
  }
}
