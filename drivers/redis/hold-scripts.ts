import { DAY_MS, type Day, dayOf, HOUR_MS, type Instant } from '#core/instant.ts'
import type { CountedEvents } from '#core/ports.ts'
import { dayField, splitField } from '#core/usage/counter-fields.ts'
import {
  ANSWER_KEPT_MS,
  type HeldMeter,
  HOLD_MAX_MS,
  type HoldBasis,
  type HoldGroup,
  type HoldWish,
  OPEN_ITEMS_MAX,
} from '#core/usage/hold.ts'
import { itemEventId } from '#core/usage/reservation.ts'
import { OWN_SOURCE } from '#core/usage/usage-event.ts'
import type { DedupeId, EventIdentity } from './dedupe-id.ts'
import { commitReply, holdReply, releaseReply, sweepReply } from './hold-replies.ts'
import type { ShardKeys } from './keys.ts'
import { defineScript, listOf, type RawReply, wordOf } from './script.ts'

/** How far a process's clock may be from Redis' without an id being looked for in the wrong place. */
const SKEW_MS = HOUR_MS

/** Identity of an event, hashed for the sets of ids. */
export type Hasher = (identity: EventIdentity) => DedupeId

interface HoldInput {
  readonly keys: ShardKeys
  readonly partition: number
  readonly wish: HoldWish
  readonly basis: HoldBasis
  readonly hasher: Hasher
  /** The process's clock: only to say in which days' sets the ids may be. */
  readonly now: Instant
}

interface PackedHold {
  readonly wish: HoldWish
  readonly keys: readonly string[]
  readonly args: ReadonlyArray<string | number>
}

/** `lua/hold.lua`: sets units aside for one operation, on every limit that it names or on none. */
export const hold = defineScript({
  file: 'hold.lua',
  parts: ['held-units.lua', 'open-holds.lua', 'get-fields.lua', 'hold-figures.lua'],
  keys: (packed: PackedHold) => packed.keys,
  args: (packed) => packed.args,
  reply: (raw, { wish }) => holdReply(raw, wish),
})

/** The days in whose sets the event of an operation may be: its own, and what a kept answer reaches back to. */
function daysToSearch(now: Instant, occurredAt: Instant | null): readonly Day[] {
  const first = Math.floor((now - ANSWER_KEPT_MS - SKEW_MS) / DAY_MS)
  const last = Math.floor((now + SKEW_MS) / DAY_MS)
  if (recent.first !== first || recent.last !== last) {
    const days = Array.from({ length: last - first + 1 }, (_, index) => dayOf((first + index) * DAY_MS))
    recent = { first, last, days }
  }
  const own = occurredAt === null ? last : Math.floor(occurredAt / DAY_MS)
  return own >= first && own <= last ? recent.days : [...recent.days, dayOf(own * DAY_MS)]
}

/** The days as of the last call: the same for hours. */
let recent: { readonly first: number; readonly last: number; readonly days: readonly Day[] } = {
  first: 0,
  last: -1,
  days: [],
}

/** Lays a wish out as the script's keys and arguments: text alone, which the connection writes in one piece. */
export function packHold({ keys, partition, wish, basis, hasher, now }: HoldInput): PackedHold {
  const { workspace, operation, occurredAt } = wish
  const names = [
    keys.meta,
    keys.usage(workspace),
    keys.holds(workspace),
    keys.operation(workspace, operation),
    keys.due,
  ]
  const setOf = (meter: string): number => {
    const key = keys.members(workspace, meter)
    const known = names.indexOf(key)
    return known === -1 ? names.push(key) : known + 1
  }
  const days = daysToSearch(now, occurredAt)
  const groups = wish.groups.map((group) => packGroup(group, setOf))
  const items = wish.items.map(({ group, meter, quantity, subject }, item) => {
    const { member, subShard } = hasher({
      workspace,
      source: OWN_SOURCE,
      id: itemEventId({ operation, item }),
    })
    const set = subject === null ? 0 : setOf(meter)
    const firstIdSet = names.length + 1
    for (const day of days) names.push(keys.dedupe(day, subShard))
    return [group + 1, meter, quantity, subject ?? '', set, member, firstIdSet]
  })
  const args = [
    partition,
    basis.factsRevision,
    basis.catalogueRevision,
    basis.from,
    basis.until,
    wish.fingerprint,
    `${workspace}/${operation}`,
    operation,
    occurredAt ?? '',
    wish.state,
    wish.dueMs,
    wish.partial ? '1' : '0',
    OPEN_ITEMS_MAX,
    days.length,
    wish.grounds,
    `[[${groups.join(',')}],${JSON.stringify(items)}]`,
  ]
  return { wish, keys: names, args }
}

/** Groups as text. One stands for many operations of a workspace, so that it is laid out once. */
const packedGroups = new WeakMap<HoldGroup, string>()

function packGroup(group: HoldGroup, setOf: (meter: string) => number): string {
  const known = packedGroups.get(group)
  if (known !== undefined) return known
  const { limit, bindsFrom, isDenied, meters } = group
  const packed = meters.map((meter) => packMeter(meter, setOf))
  const text = JSON.stringify([limit ?? false, bindsFrom, isDenied ? '1' : '0', packed])
  if (meters.every(({ aggregation }) => aggregation !== 'distinct')) packedGroups.set(group, text)
  return text
}

function packMeter(
  { meter, aggregation, window }: HeldMeter,
  setOf: (meter: string) => number,
): readonly unknown[] {
  switch (aggregation) {
    case 'level':
      return ['level', meter]
    case 'distinct':
      return ['distinct', meter, setOf(meter)]
    case 'sum': {
      const days = (window?.days ?? []).map((day) => dayField(meter, day))
      const split = window?.splitDay ?? null
      return ['sum', meter, days, split === null ? '' : splitField(meter, split.day), split?.startsAt ?? 0]
    }
  }
}

interface OperationInput {
  readonly keys: ShardKeys
  readonly workspace: string
  readonly operation: string
}

function operationKeys({ keys, workspace, operation }: OperationInput): readonly string[] {
  const own = [keys.usage(workspace), keys.holds(workspace), keys.operation(workspace, operation)]
  return [keys.meta, ...own, keys.due]
}

function memberOf({ workspace, operation }: OperationInput): string {
  return `${workspace}/${operation}`
}

interface CommitInput extends OperationInput {
  /** What was used of each item; null = all of it. */
  readonly quantities: readonly number[] | null
  readonly againMs: number
}

/** `lua/commit.lua`: resolves a reservation with what was used of it. */
export const commit = defineScript({
  file: 'commit.lua',
  parts: ['held-units.lua', 'open-holds.lua', 'end-operation.lua'],
  keys: (input: CommitInput) => operationKeys(input),
  args: (input) => [memberOf(input), input.operation, (input.quantities ?? []).join(','), input.againMs],
  reply: commitReply,
})

/** `lua/release.lua`: gives a reservation back. */
export const release = defineScript({
  file: 'release.lua',
  parts: ['held-units.lua', 'open-holds.lua', 'end-operation.lua'],
  keys: (input: OperationInput) => operationKeys(input),
  args: (input) => [memberOf(input), input.operation],
  reply: releaseReply,
})

interface SweepInput extends OperationInput {
  /** When it is due again if its events are to be produced, ms. */
  readonly againMs: number
}

/** `lua/sweep.lua`: what an operation that was due needs. */
export const sweep = defineScript({
  file: 'sweep.lua',
  parts: ['held-units.lua', 'open-holds.lua', 'end-operation.lua'],
  keys: (input: SweepInput) => operationKeys(input),
  args: (input) => [memberOf(input), input.operation, input.againMs, HOLD_MAX_MS],
  reply: sweepReply,
})

interface AnswerInput extends OperationInput {
  readonly fingerprint: string
  readonly answer: string
}

/** `lua/answer.lua`: keeps the first answer of an operation and gives it back; null when it is not known. */
export const keepAnswer = defineScript({
  file: 'answer.lua',
  parts: ['held-units.lua', 'open-holds.lua'],
  keys: ({ keys, workspace, operation }: AnswerInput) => [keys.operation(workspace, operation)],
  args: ({ fingerprint, answer }) => [fingerprint, answer],
  reply: (raw: RawReply): string | null => (raw === '' || raw === null ? null : String(raw)),
})

interface FindInput {
  readonly keys: ShardKeys
  readonly partition: number
  readonly workspace: string
  /** Ids of our own events. */
  readonly ids: readonly string[]
  readonly hasher: Hasher
  readonly now: Instant
}

/** `lua/find-ids.lua`: which of our own events are counted; null while the shard is rebuilt. */
export const findIds = defineScript({
  file: 'find-ids.lua',
  keys: ({ keys, workspace, ids, hasher, now }: FindInput) => [
    keys.meta,
    ...ids.flatMap((id) => {
      const { subShard } = hasher({ workspace, source: OWN_SOURCE, id })
      return daysToSearch(now, null).map((day) => keys.dedupe(day, subShard))
    }),
  ],
  args: ({ partition, workspace, ids, hasher, now }) => {
    const sets = daysToSearch(now, null).length
    const members = ids.flatMap((id) => [hasher({ workspace, source: OWN_SOURCE, id }).member, sets])
    return [partition, ...members]
  },
  reply: (raw): CountedEvents | null => {
    const [word, now, at, seen, ...found] = listOf(raw, 'find-ids.lua')
    if (wordOf(word ?? null, ['OK', 'REBUILDING'] as const, 'find-ids.lua') === 'REBUILDING') return null
    const asOf = Math.max(Number(at), Number(seen))
    return { counted: found.map((one) => one === '1'), asOf, now: Number(now) }
  },
})
