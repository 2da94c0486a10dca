import type { Instant } from '../instant.ts'
import { dayField, heldField, levelField, splitField } from './counter-fields.ts'
import type { CounterModel } from './counter-model.ts'
import {
  type CommitOutcome,
  type FreeReason,
  type HeldMeter,
  HOLD_MAX_MS,
  type HoldFigures,
  type HoldGroup,
  type HoldItem,
  type HoldOutcome,
  type HoldWish,
  isTimely,
  OPEN_ITEMS_MAX,
  type OpenItem,
  type OperationName,
  type ReleaseOutcome,
  type SweepOutcome,
} from './hold.ts'
import { itemEventId, type ReservationReference } from './reservation.ts'

/** One open hold: its item, and the units it holds. */
interface Held extends OpenItem {
  readonly units: number
}

/** One operation as the model remembers it. */
interface Operation {
  readonly wish: HoldWish
  state: HoldWish['state'] | 'settled' | 'released' | 'expired'
  readonly at: Instant
  dueAt: Instant
  readonly granted: readonly number[]
  committed: string | null
  readonly open: Map<number, Held>
}

/** The word that the model gives for a hold, and what was granted. */
export interface ModelHold {
  readonly outcome: Exclude<HoldOutcome['outcome'], 'rebuilding' | 'stale'>
  readonly granted: readonly number[]
}

/**
 * The holds of one shard with no Redis in sight: the executable specification that the scripts agree with.
 *
 * Time comes in with each call. Readiness and revisions are the scripts' own affair.
 */
export class HoldModel {
  readonly #counters: CounterModel
  readonly #operations = new Map<string, Operation>()

  constructor(counters: CounterModel) {
    this.#counters = counters
  }

  /** Asks for units at an instant; `isCounted` says which of our events are in the sets of ids. */
  hold(wish: HoldWish, now: Instant, isCounted: (eventId: string) => boolean): ModelHold {
    const known = this.#operations.get(nameOf(wish))
    if (known !== undefined) {
      const isSame = known.wish.fingerprint === wish.fingerprint
      return { outcome: isSame ? 'again' : 'conflict', granted: isSame ? known.granted : [] }
    }
    const { operation } = wish
    const counted = wish.items.map((_, item) => isCounted(itemEventId({ operation, item })))
    const isAll = !wish.partial && wish.state === 'committing'
    if (isAll ? counted.every(Boolean) : counted.some(Boolean)) return { outcome: 'done', granted: [] }
    const at = wish.occurredAt ?? now
    if (!isTimely(at, now)) return { outcome: 'too_old', granted: [] }
    if (this.#entriesOf(wish.workspace) + 2 * wish.items.length > OPEN_ITEMS_MAX)
      return { outcome: 'full', granted: [] }
    const admitted = this.#admit(wish, counted)
    const granted = admitted.map((one) => one?.quantity ?? 0)
    const fitting = admitted.filter((one) => one !== null).length
    if (fitting < (wish.partial ? 1 : wish.items.length)) return { outcome: 'denied', granted }
    const open = new Map<number, Held>()
    for (const [item, one] of admitted.entries()) {
      const asked = wish.items[item]
      if (one === null || asked === undefined || one.quantity === 0) continue
      open.set(item, { item, meter: asked.meter, subject: asked.subject, occurredAt: at, ...one })
    }
    const dueAt = now + wish.dueMs
    const fresh = { wish, state: wish.state, at: now, dueAt, granted, committed: null, open }
    this.#operations.set(nameOf(wish), fresh)
    return { outcome: 'held', granted }
  }

  /** Resolves a reservation with what was used of each item; null = all of it. */
  commit(
    name: OperationName,
    { quantities, againMs }: { readonly quantities: readonly number[] | null; readonly againMs: number },
    now: Instant,
  ): CommitOutcome['outcome'] {
    const known = this.#operations.get(nameOf(name))
    if (known === undefined) return 'unknown'
    const wanted = quantities ?? known.granted
    if (known.committed !== null) return known.committed === wanted.join(',') ? 'again' : 'resolved'
    if (known.state === 'expired' || known.state === 'settled') return known.state
    if (known.state !== 'held') return 'resolved'
    if (now >= known.dueAt) {
      this.#end(known, 'expired')
      return 'expired'
    }
    if (wanted.length !== known.granted.length) return 'count'
    if (wanted.some((quantity, item) => quantity > (known.granted[item] ?? 0))) return 'too_much'
    for (const [item, held] of known.open) {
      const quantity = wanted[item] ?? 0
      if (quantity === 0) known.open.delete(item)
      else known.open.set(item, { ...held, quantity, units: Math.min(held.units, quantity) })
    }
    known.state = 'committing'
    known.committed = wanted.join(',')
    known.dueAt = now + againMs
    return 'committed'
  }

  /** Gives a reservation back. */
  release(name: OperationName): ReleaseOutcome {
    const known = this.#operations.get(nameOf(name))
    if (known === undefined) return 'unknown'
    if (known.state === 'released' || known.state === 'expired') return 'released'
    if (known.state !== 'held') return 'resolved'
    this.#end(known, 'released')
    return 'released'
  }

  /** Looks at an operation as the sweeper does. */
  sweep(name: OperationName, againMs: number, now: Instant): SweepOutcome['outcome'] {
    const known = this.#operations.get(nameOf(name))
    if (known === undefined || known.open.size === 0 || known.dueAt > now) return 'later'
    if (now - known.at >= HOLD_MAX_MS) {
      this.#operations.delete(nameOf(name))
      return 'dropped'
    }
    if (known.state === 'committing') {
      known.dueAt = now + againMs
      return 'produce'
    }
    this.#end(known, known.state === 'held' ? 'expired' : known.state)
    return 'released'
  }

  /** An event that names a hold was applied; `meters` are those it counts, none for a void one. */
  settle(
    workspace: string,
    { operation, item }: ReservationReference,
    { meters, isNew }: { readonly meters: readonly string[]; readonly isNew: boolean },
  ): void {
    const known = this.#operations.get(nameOf({ workspace, operation }))
    if (known === undefined) return
    if (item !== null) known.open.delete(item)
    else if (isNew && known.state !== 'committing') {
      const open = [...known.open.values()].sort((a, b) => a.item - b.item)
      const settled =
        meters.length === 0
          ? open.slice(0, 1)
          : meters.flatMap((meter) => open.find((held) => held.meter === meter) ?? [])
      for (const held of settled) known.open.delete(held.item)
    }
    if (known.state === 'held') known.state = 'settled'
  }

  /** Units in open holds of a meter; a resource that several operations hold counts once, and not while it is a member. */
  held(workspace: string, meter: string): number {
    const open = this.#openOf(workspace).filter((held) => held.meter === meter && held.units > 0)
    const named = new Set(open.flatMap(({ subject }) => (subject === null ? [] : [subject])))
    for (const member of this.#counters.members(workspace, meter)) named.delete(member)
    return open.reduce((sum, { subject, units }) => sum + (subject === null ? units : 0), named.size)
  }

  /** Open items of an operation, in their order. */
  open(name: OperationName): readonly OpenItem[] {
    const open = [...(this.#operations.get(nameOf(name))?.open.values() ?? [])]
    return open.sort((a, b) => a.item - b.item).map(({ units: _, ...item }) => item)
  }

  /** Makes an operation older, as if its hold had been placed earlier. */
  age(name: OperationName, byMs: number): void {
    const key = nameOf(name)
    const known = this.#operations.get(key)
    if (known !== undefined)
      this.#operations.set(key, { ...known, at: known.at - byMs, dueAt: known.dueAt - byMs })
  }

  #admit(
    wish: HoldWish,
    counted: readonly boolean[],
  ): readonly ({ readonly quantity: number; readonly units: number } | null)[] {
    const room = wish.groups.map((group) => this.#room(wish.workspace, group))
    const named = new Set<string>()
    return wish.items.map((item, place) => {
      const isCounted = counted[place] === true
      if (wish.groups[item.group]?.isDenied === true && !isCounted) return null
      const free = this.#free(wish.workspace, item)
      const mark = `${item.meter} ${item.subject}`
      const left = room[item.group] ?? 0
      const isFree = isCounted || free !== null || (item.subject !== null && named.has(mark))
      const fits = isFree || item.quantity === 0 || item.quantity <= left
      const part = wish.partial && item.subject === null && left > 0 ? Math.min(item.quantity, left) : null
      if (!fits && part === null) return null
      const quantity = fits ? item.quantity : (part ?? 0)
      room[item.group] = left - (isFree ? 0 : quantity)
      if (item.subject !== null) named.add(mark)
      return { quantity, units: isCounted ? 0 : quantity }
    })
  }

  #room(workspace: string, { limit, bindsFrom, meters }: HoldGroup): number {
    const { used, held } = this.figures(workspace, meters)
    return limit === null || used < bindsFrom ? Number.POSITIVE_INFINITY : limit - used - held
  }

  /** Use and holds of some meters together. */
  figures(workspace: string, meters: readonly HeldMeter[]): HoldFigures {
    const used = meters.reduce((sum, meter) => sum + this.#used(workspace, meter), 0)
    return { used, held: meters.reduce((sum, { meter }) => sum + this.held(workspace, meter), 0) }
  }

  #used(workspace: string, { meter, aggregation, window }: HeldMeter): number {
    const fields = this.#counters.fields(workspace)
    if (aggregation === 'distinct') return this.#counters.members(workspace, meter).length
    if (aggregation === 'level') return Math.max(Number(fields[levelField(meter)] ?? 0), 0)
    if (window === null) return 0
    const sum = window.days.reduce((total, day) => total + Number(fields[dayField(meter, day)] ?? 0), 0)
    const split = window.splitDay
    const [startsAt, base] = split === null ? [] : (fields[splitField(meter, split.day)] ?? '').split('|')
    return Math.max(split !== null && Number(startsAt) === split.startsAt ? sum - Number(base) : sum, 0)
  }

  #free(workspace: string, { meter, subject }: HoldItem): FreeReason | null {
    if (subject === null) return null
    if (this.#counters.members(workspace, meter).includes(subject)) return 'member'
    const isHeld = (held: Held): boolean => held.meter === meter && held.subject === subject && held.units > 0
    return this.#openOf(workspace).some(isHeld) ? 'held' : null
  }

  #end(operation: Operation, state: Operation['state']): void {
    operation.open.clear()
    operation.state = state
  }

  #openOf(workspace: string): readonly Held[] {
    const own = [...this.#operations.values()].filter(({ wish }) => wish.workspace === workspace)
    return own.flatMap(({ open }) => [...open.values()])
  }

  /** Entries of the hash of open holds: an item each, a mark for each resource, and one for each that is a member. */
  #entriesOf(workspace: string): number {
    const open = this.#openOf(workspace)
    const marked = open.filter(({ subject, units }) => subject !== null && units > 0)
    const marks = new Map(marked.map(({ meter, subject }) => [`${meter} ${subject}`, { meter, subject }]))
    const members = [...marks.values()].filter(({ meter, subject }) =>
      this.#counters.members(workspace, meter).includes(subject ?? ''),
    )
    return open.length + marks.size + members.length
  }

  /** Fields of the usage hash that holds make, as decimal text; a meter without holds has none. */
  fields(workspace: string): Record<string, string> {
    const meters = [...new Set(this.#openOf(workspace).map(({ meter }) => meter))]
    const entries = meters.map((meter) => [heldField(meter), String(this.held(workspace, meter))])
    return Object.fromEntries(entries.filter(([, units]) => units !== '0'))
  }
}

function nameOf({ workspace, operation }: OperationName): string {
  return `${workspace}/${operation}`
}
