import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { archiveDays } from '#consumers/snapshots/archive-days.ts'
import { type SnapshotDeps, snapshotRound } from '#consumers/snapshots/snapshot-round.ts'
import { type RebuildDeps, rebuildShard } from '#consumers/usage/rebuild-shard.ts'
import { dayField } from '#core/usage/counter-fields.ts'
import { lastRounds, mergeRounds } from '#drivers/mongo/merge-rounds.ts'
import { SnapshotLog, type SnapshotStore } from '#drivers/mongo/snapshot-log.ts'
import { apply, type SliceEvent } from '#drivers/redis/apply.ts'
import { dedupeHasher } from '#drivers/redis/dedupe-id.ts'
import { type ShardKeys, shardKeys, shardOf } from '#drivers/redis/keys.ts'
import { packSlice } from '#drivers/redis/pack-slice.ts'
import { SHARDS, tearCall, wipe } from './disasters.ts'
import { releasedAfterCommit, settledWhileCommitting } from './hold-scenarios.ts'
import { memoryDb } from './memory-db.ts'
import { MemoryIncarnations, MemoryPages } from './memory-stores.ts'

/** A course of events that chance seldom finds; returns what went wrong, or null. */
export type Scenario = (redis: Redis) => Promise<string | null>

/** Scenarios by name. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  slowRound,
  overtakenRound,
  regressingRound,
  changedPastDay,
  regressingRebuild,
  halfCall,
  missingPart,
  settledWhileCommitting,
  releasedAfterCommit,
}

/** A shard of one partition, to which leads are counted by hand, and rounds of it. */
function roundsOf(redis: Redis): {
  readonly keys: ShardKeys
  readonly deps: SnapshotDeps
  readonly snapshots: SnapshotLog
  readonly count: (leads: number, workspace?: string) => Promise<unknown>
} {
  const keys = shardKeys(0, randomUUID())
  const snapshots = new SnapshotLog(memoryDb())
  const deps: SnapshotDeps = {
    redis,
    snapshots,
    incarnations: new MemoryIncarnations(),
    days: new MemoryPages(),
    distinctMeters: async () => [],
    lastingMeters: () => [],
    nonce: () => {
      throw new Error('no nonce')
    },
  }
  const count = (leads: number, workspace = 'acme'): Promise<unknown> =>
    redis
      .multi()
      .hset(keys.meta, 'inc', '1', 'wm:0', leads)
      .hset(keys.usage(workspace), 'leads', leads)
      .hset(keys.dirty, workspace, `stamp ${leads}`)
      .exec()
  return { keys, deps, snapshots, count }
}

/** A connection whose scripts are called by `around`. */
function aroundScripts(
  redis: Redis,
  around: (args: readonly unknown[], call: () => Promise<unknown>) => Promise<unknown>,
): Redis {
  return new Proxy(redis, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if ((name !== 'evalsha' && name !== 'eval') || typeof value !== 'function') return value
      return (...args: unknown[]) => around(args, async () => Reflect.apply(value, target, args))
    },
  })
}

/** A round is slow, a newer one is stored meanwhile: the slow one may not come after it (ADR 0006). */
async function slowRound(redis: Redis): Promise<string | null> {
  const { keys, deps, snapshots, count } = roundsOf(redis)
  await count(1)
  const meanwhile = async (): Promise<void> => {
    await count(2)
    await snapshotRound({ ...deps, nonce: () => 'fast' }, keys)
  }
  const slowly = aroundScripts(redis, async (args, call) => {
    const answer = await call()
    if (args.includes(keys.usage('acme'))) await meanwhile()
    return answer
  })
  await snapshotRound({ ...deps, redis: slowly, nonce: () => 'slow' }, keys)
  const rows = (await mergeRounds(snapshots, 0, lastRounds(await snapshots.headers(0)))) ?? []
  const left = await redis.hexists(keys.dirty, 'acme')
  await wipe(redis, keys)
  const stored = rows[0]?.fields['leads']
  return stored === '2' || left === 1
    ? null
    : `the rounds end with ${stored} leads of 2, and nothing is left to store`
}

/**
 * A round that saw a workspace is refused, since one that began before it took its number: the workspace is in no round,
 * and must stay on the list of those to store.
 */
async function overtakenRound(redis: Redis): Promise<string | null> {
  const { keys, deps, snapshots, count } = roundsOf(redis)
  await count(1)
  const storing = (append: SnapshotStore['append']): SnapshotStore => ({
    headers: (shard) => snapshots.headers(shard),
    rows: (shard, header) => snapshots.rows(shard, header),
    drop: (shard, headers) => snapshots.drop(shard, headers),
    append,
  })
  const first = storing(async (...round) => {
    await count(2, 'bolt')
    let isStored = false
    const second = storing(async (...own) => {
      isStored = await snapshots.append(...round)
      return snapshots.append(...own)
    })
    await snapshotRound({ ...deps, snapshots: second, nonce: () => 'second' }, keys)
    return isStored
  })
  await snapshotRound({ ...deps, snapshots: first, nonce: () => 'first' }, keys)
  const rows = (await mergeRounds(snapshots, 0, lastRounds(await snapshots.headers(0)))) ?? []
  const left = await redis.hkeys(keys.dirty)
  await wipe(redis, keys)
  const isIn = rows.some(({ workspace }) => workspace === 'bolt') || left.includes('bolt')
  return rows.length > 0 && isIn
    ? null
    : `of acme and bolt ${rows.map(({ workspace }) => workspace).join(', ') || 'neither'} is stored, bolt is not on the list`
}

/** Redis goes back in the middle of a round: what it has then is older than what the round begins from. */
async function regressingRound(redis: Redis): Promise<string | null> {
  const { keys, deps, snapshots, count } = roundsOf(redis)
  await count(2)
  const regressing = aroundScripts(redis, async (args, call) => {
    if (args.includes(keys.usage('acme'))) await count(1)
    return call()
  })
  const outcome = await snapshotRound({ ...deps, redis: regressing, nonce: () => 'n' }, keys)
  const stored = (await snapshots.headers(0)).length
  await wipe(redis, keys)
  return outcome === 'given-up' && stored === 0 ? null : `${outcome}: 1 lead of 2 was stored for both`
}

/** A past day changes after it was read and before it is taken out of the counters. */
async function changedPastDay(redis: Redis): Promise<string | null> {
  const { keys, deps } = roundsOf(redis)
  const field = dayField('ai_credits', '20240101')
  await redis.multi().hset(keys.meta, 'inc', '1').hset(keys.usage('acme'), field, 6).exec()
  const row = { workspace: 'acme', fields: { [field]: '5' }, members: {}, above: {} }
  const place = { keys, incarnation: '1', row, through: '20240105' } as const
  await archiveDays({ redis, days: deps.days, nonce: () => 'n' }, place)
  const left = await redis.hget(keys.usage('acme'), field)
  await wipe(redis, keys)
  return left === '6' ? null : `${left} credits are left of 6, and the page has 5`
}

/** Redis goes back in the middle of a rebuild, to after its take-over: the shard may not open (ADR 0007). */
async function regressingRebuild(redis: Redis): Promise<string | null> {
  const keys = shardKeys(0, randomUUID())
  await redis.set(keys.usage('old'), 'left from another life')
  let dumped: Buffer | null = null
  const dumping = new Proxy(redis, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'evalsha') return value.bind(target)
      return async (...args: unknown[]) => {
        if (await redis.hexists(keys.meta, 'rst')) dumped ??= await redis.dumpBuffer(keys.meta)
        return Reflect.apply(value, target, args)
      }
    },
  })
  const deps: RebuildDeps = {
    redis: dumping,
    incarnations: new MemoryIncarnations(),
    snapshots: new SnapshotLog(memoryDb()),
    log: pino({ level: 'silent' }),
    name: 'scenario',
    now: () => 0,
    ranges: async () => {
      if (dumped !== null)
        await redis.multi().restore(keys.meta, 0, dumped, 'REPLACE').set(keys.usage('old'), 'is back').exec()
      return [{ partition: 0, low: 0, high: 0 }]
    },
    offsetAt: async () => 0,
    catalogueRevision: async () => 1,
  }
  const outcome = await rebuildShard(deps, keys)
  const incarnation = await redis.hget(keys.meta, 'inc')
  await redis.del(keys.lease('rebuild'))
  await rebuildShard({ ...deps, redis, ranges: async () => [{ partition: 0, low: 0, high: 0 }] }, keys)
  const isOpen = (await redis.hget(keys.meta, 'inc')) !== null
  await wipe(redis, keys)
  if (outcome === 'rebuilt' || incarnation !== null) return 'the shard opened with keys of another life'
  return isOpen ? null : 'the next rebuild did not open the shard'
}

/** A part of a round is gone while it is read: nothing of the round may be taken for all of it. */
async function missingPart(): Promise<string | null> {
  const db = memoryDb()
  const snapshots = new SnapshotLog(db, { segmentRowsMax: 1 })
  const row = { fields: { leads: '1' }, members: {}, above: {} }
  const rows = ['acme', 'bolt', 'cord'].map((workspace) => ({ ...row, workspace }))
  const shared = { incarnation: '1', nonce: 'n', base: {}, at: {}, lowerBounds: [], full: true }
  await snapshots.append(0, { ...shared, round: 1 }, rows)
  const segments = db.collection<{ readonly _id: string }>('snapshot_segments')
  const [, second] = await segments.find({ _id: { $gte: 's00/', $lt: 's000' } }).toArray()
  await segments.deleteOne({ _id: second?._id ?? '' })
  const taken = await mergeRounds(snapshots, 0, await snapshots.headers(0))
  return taken === null ? null : `${taken.length} of 3 workspaces were taken for all`
}

/** Redis keeps the first half of a call: the next call to the shard may not take its ids for counted ones (ADR 0009). */
async function halfCall(redis: Redis): Promise<string | null> {
  const workspace = 'acme'
  const keys = shardKeys(shardOf(workspace, SHARDS), randomUUID())
  const event: SliceEvent = {
    offset: 0,
    workspace,
    occurredAt: 0,
    appendedAt: 0,
    dedupe: dedupeHasher('key of a scenario')({ workspace, source: 'crm', id: 'e0' }),
    changes: [{ kind: 'add', meter: 'leads', units: 1 }],
    reservation: null,
    isVoid: false,
  }
  const place = { keys, incarnation: '1', partition: 0, known: -1, upto: 0 }
  await redis.hset(keys.meta, 'inc', '1', 'ready', '1')
  await tearCall(redis, keys, [event])
  const slice = packSlice({ ...place, at: 0, seen: null, nonce: 'n', hasThresholds: false, events: [event] })
  const { outcome, counted } = await apply(redis, slice)
  await wipe(redis, keys)
  return outcome === 'INC' ? null : `the call was ${outcome} and counted ${counted} of 1 event`
}
