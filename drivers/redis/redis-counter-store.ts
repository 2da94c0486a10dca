import type { Redis } from 'ioredis'
import { TallygateError } from '#core/errors.ts'
import type { CounterReading, CounterStore } from '#core/ports.ts'
import { memberKey } from '#core/usage/feature-reading.ts'
import type { ReadPlan } from '#core/usage/read-plan.ts'
import { type ShardKeys, shardOf } from './keys.ts'
import { defineScript, listOf, type RawReply } from './script.ts'

/** An answer counts as exact when everything appended more than this ago is in it. */
const EXACT_LAG_MS = 1_000

interface ReadInput {
  readonly keys: ShardKeys
  readonly workspace: string
  readonly partition: number
  readonly plan: ReadPlan
}

/** `lua/read.lua`: one workspace's counters and how far they can be trusted, from one instant. */
const readWorkspace = defineScript({
  file: 'read.lua',
  keys: ({ keys, workspace, plan }: ReadInput) => [
    keys.meta,
    keys.usage(workspace),
    ...plan.sets.map((set) => keys.members(workspace, set.meter)),
  ],
  args: ({ partition, plan }) => [
    partition,
    plan.fields.length,
    ...plan.fields,
    ...plan.sets.map((set) => set.subject ?? ''),
  ],
  reply: (raw, { plan }) => readingOf(listOf(raw, 'read.lua'), plan),
})

function textOf(raw: RawReply | undefined): string | null {
  return raw === undefined || raw === null ? null : String(raw)
}

function readingOf(reply: readonly RawReply[], plan: ReadPlan): CounterReading {
  const [now, incarnation, ready, catalogue, at, seen, lowerBound, revision] = reply.map(textOf)
  const fields: Record<string, string | null> = {}
  for (const [index, field] of plan.fields.entries()) fields[field] = textOf(reply[8 + index])
  const sizes: Record<string, number> = {}
  const membership: Record<string, boolean> = {}
  for (const [index, { meter, subject }] of plan.sets.entries()) {
    const place = 8 + plan.fields.length + 2 * index
    sizes[meter] = Number(reply[place])
    if (subject !== null) membership[memberKey(meter, subject)] = reply[place + 1] === '1'
  }
  const asOf = Math.max(Number(at ?? 0), Number(seen ?? 0))
  const lagMs = Math.max(Number(now) - asOf, 0)
  const isReady = typeof incarnation === 'string' && ready === '1'
  return {
    state: isReady ? 'ready' : 'rebuilding',
    factsRevision: revision ?? '',
    catalogueRevision: Number(catalogue ?? 0),
    asOf,
    lagMs,
    exact: isReady && lowerBound === null && lagMs <= EXACT_LAG_MS,
    now: Number(now),
    fields,
    sizes,
    membership,
  }
}

interface StoreOptions {
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  /** Partition of `usage.events` that a workspace's events are in. */
  readonly partitionOf: (workspace: string) => number
}

/** Counters as Redis holds them. Every failure to reach it is `unavailable`. */
export function redisCounterStore({ redis, shards, partitionOf }: StoreOptions): CounterStore {
  return {
    async read(workspace, plan) {
      const keys = shards[shardOf(workspace, shards.length)]
      if (keys === undefined) throw new RangeError(`no shard for ${workspace}`)
      return readWorkspace(redis, { keys, workspace, partition: partitionOf(workspace), plan }).catch(
        (error: unknown) => {
          throw new TallygateError('unavailable', 'Redis did not answer; try again', { workspace }, error)
        },
      )
    },
  }
}
