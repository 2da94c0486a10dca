import { accuracyAt } from '#core/entitlement/accuracy.ts'
import { TallygateError } from '#core/errors.ts'
import type { CounterReading, CounterStore } from '#core/ports.ts'
import { memberKey } from '#core/usage/feature-reading.ts'
import type { ReadPlan } from '#core/usage/read-plan.ts'
import type { Redis } from './connection.ts'
import { type ShardKeys, shardOf } from './keys.ts'
import { defineScript, listOf, type RawReply } from './script.ts'
import { parseUnjudged } from './unjudged-changes.ts'

interface ReadInput {
  readonly keys: ShardKeys
  readonly workspace: string
  readonly partition: number
  readonly plan: ReadPlan
  readonly hasUnjudged: boolean
}

/** `lua/read.lua`: one workspace's counters and how far they can be trusted, from one instant. */
const readWorkspace = defineScript({
  file: 'read.lua',
  parts: ['get-fields.lua'],
  keys: ({ keys, workspace, plan, hasUnjudged }: ReadInput) => [
    keys.meta,
    keys.usage(workspace),
    keys.holds(workspace),
    ...plan.sets.map((set) => keys.members(workspace, set.meter)),
    ...(hasUnjudged ? [keys.judge] : []),
  ],
  args: ({ workspace, partition, plan, hasUnjudged }) => [
    partition,
    plan.fields.length,
    ...plan.fields,
    ...plan.sets.map(({ meter, subject }) => (subject === null ? '' : `~${meter}~${subject}`)),
    ...(hasUnjudged ? [`!${workspace}`] : []),
  ],
  reply: (raw, { plan, hasUnjudged }): CounterReading => {
    const reply = listOf(raw, 'read.lua')
    const reading = readingOf(reply, plan)
    return hasUnjudged ? { ...reading, unjudged: parseUnjudged(String(reply.at(-1))) } : reading
  },
})

function textOf(raw: RawReply | undefined): string | null {
  return raw === undefined || raw === null ? null : String(raw)
}

function readingOf(reply: readonly RawReply[], plan: ReadPlan): CounterReading {
  const [now, incarnation, ready, catalogue, at, seen, lowerBound, exists, revision] = reply.map(textOf)
  const fields: Record<string, string | null> = {}
  for (const [index, field] of plan.fields.entries()) fields[field] = textOf(reply[9 + index])
  const sizes: Record<string, number> = {}
  const membership: Record<string, boolean> = {}
  const heldSubjects: Record<string, boolean> = {}
  for (const [index, { meter, subject }] of plan.sets.entries()) {
    const place = 9 + plan.fields.length + 3 * index
    sizes[meter] = Number(reply[place])
    if (subject === null) continue
    membership[memberKey(meter, subject)] = reply[place + 1] === '1'
    heldSubjects[memberKey(meter, subject)] = reply[place + 2] === '1'
  }
  const asOf = Math.max(Number(at ?? 0), Number(seen ?? 0))
  const isReady = typeof incarnation === 'string' && ready === '1'
  return {
    state: isReady ? 'ready' : 'rebuilding',
    factsRevision: revision ?? '',
    catalogueRevision: Number(catalogue ?? 0),
    ...accuracyAt({ now: Number(now), asOf, isWhole: isReady && lowerBound === null }),
    asOf,
    now: Number(now),
    isKnown: exists === '1',
    fields,
    sizes,
    membership,
    heldSubjects,
  }
}

interface StoreOptions {
  readonly redis: Redis
  readonly shards: readonly ShardKeys[]
  /** Partition of `usage.events` that a workspace's events are in. */
  readonly partitionOf: (workspace: string) => number
  /** Whether a reading says what of the workspace was not judged yet. */
  readonly hasUnjudged?: boolean
}

/** Counters as Redis holds them. Every failure to reach it is `unavailable`. */
export function redisCounterStore(options: StoreOptions): CounterStore {
  const { redis, shards, partitionOf, hasUnjudged = false } = options
  return {
    async read(workspace, plan) {
      const keys = shards[shardOf(workspace, shards.length)]
      if (keys === undefined) throw new RangeError(`no shard for ${workspace}`)
      const input = { keys, workspace, partition: partitionOf(workspace), plan, hasUnjudged }
      return readWorkspace(redis, input).catch((error: unknown) => {
        throw new TallygateError('unavailable', 'Redis did not answer; try again', { workspace }, error)
      })
    },
  }
}
