import type { Instant } from '../instant.ts'
import { dayOf } from '../instant.ts'
import { dayField, lastLevelField, levelField, splitField } from './counter-fields.ts'
import type { CounterChange } from './usage-event.ts'

/** An event as the model sees it: where it stands in the log, who it is, what it changes. */
export interface ModelEvent {
  readonly offset: number
  readonly workspace: string
  /** Identity of the event; copies share it. */
  readonly identity: string
  readonly appendedAt: Instant
  /** When it changes levels, where that is not `appendedAt`. */
  readonly recordedAt?: Instant
  readonly changes: readonly CounterChange[]
}

/** All events of the shard in `(known, upto]` of one partition. */
export interface ModelSlice {
  readonly partition: number
  readonly known: number
  readonly upto: number
  readonly events: readonly ModelEvent[]
}

/** Counters of one workspace as they were kept. */
export interface RestoredCounters {
  readonly fields: Readonly<Record<string, string>>
  readonly members: Readonly<Record<string, readonly string[]>>
}

/** What became of a slice, in the words of `apply.lua`. */
export type ModelOutcome = 'OK' | 'OLD' | 'REGRESSED'

/**
 * One shard's counters with no Redis in sight: the executable specification that `apply.lua` agrees with.
 *
 * Fields and sets carry the names that Redis uses, so that both can be compared whole.
 */
export class CounterModel {
  readonly #watermarks = new Map<number, number>()
  readonly #identities = new Set<string>()
  readonly #fields = new Map<string, Map<string, number | string>>()
  readonly #members = new Map<string, Set<string>>()

  /** Applies a slice behind the contiguity and watermark fences. */
  apply({ partition, known, upto, events }: ModelSlice): ModelOutcome {
    const watermark = this.watermark(partition)
    if (watermark < known) return 'REGRESSED'
    if (upto <= watermark) return 'OLD'
    for (const event of events) {
      if (event.offset <= watermark || this.#identities.has(event.identity)) continue
      this.#identities.add(event.identity)
      for (const change of event.changes) this.#change(event, change)
    }
    this.#watermarks.set(partition, upto)
    return 'OK'
  }

  /** Begins a workspace with counters that were kept elsewhere, as a rebuild does. */
  restore(workspace: string, { fields, members }: RestoredCounters): void {
    this.#fields.set(workspace, new Map(Object.entries(fields)))
    for (const [meter, subjects] of Object.entries(members)) {
      this.#members.set(`${workspace} ${meter}`, new Set(subjects))
    }
  }

  /** Knows an event without counting it, as a rebuild does below a snapshot. */
  know(identity: string): void {
    this.#identities.add(identity)
  }

  /** Last offset covered of a partition, −1 before the first. */
  watermark(partition: number): number {
    return this.#watermarks.get(partition) ?? -1
  }

  /** Fields of a workspace's usage hash, as decimal text. */
  fields(workspace: string): Record<string, string> {
    const entries = [...(this.#fields.get(workspace) ?? [])].map(([field, value]) => [field, String(value)])
    return Object.fromEntries(entries)
  }

  /** Members of a distinct meter, sorted. */
  members(workspace: string, meter: string): string[] {
    return [...(this.#members.get(`${workspace} ${meter}`) ?? [])].sort()
  }

  #change(event: ModelEvent, change: CounterChange): void {
    switch (change.kind) {
      case 'add':
        this.#setLevel(event, {
          meter: change.meter,
          level: this.#number(event, levelField(change.meter)) + change.units,
        })
        return
      case 'set':
        this.#setLevel(event, { meter: change.meter, level: change.units })
        return
      case 'flow':
        this.#use(event, change)
        return
      case 'split':
        this.#split(event, change)
        return
      case 'join':
        this.#membersOf(event, change.meter).add(change.subject)
        this.#recordMembers(event, change.meter)
        return
      case 'leave':
        this.#membersOf(event, change.meter).delete(change.subject)
        this.#recordMembers(event, change.meter)
        return
      case 'members':
        this.#members.set(`${event.workspace} ${change.meter}`, new Set(change.subjects))
        this.#recordMembers(event, change.meter)
    }
  }

  #setLevel(event: ModelEvent, { meter, level }: { meter: string; level: number }): void {
    this.#hash(event).set(levelField(meter), level)
    this.#recordLevel(event, meter, level)
  }

  #use(event: ModelEvent, change: CounterChange & { kind: 'flow' }): void {
    const field = dayField(change.meter, change.day)
    this.#hash(event).set(field, this.#number(event, field) + change.units)
    const split = this.#hash(event).get(splitField(change.meter, change.day))
    if (split === undefined) return
    const [startsAt = 0, base = 0] = String(split).split('|').map(Number)
    if (change.occurredAt >= startsAt) return
    this.#hash(event).set(splitField(change.meter, change.day), `${startsAt}|${base + change.units}`)
  }

  #split(event: ModelEvent, change: CounterChange & { kind: 'split' }): void {
    const field = splitField(change.meter, change.day)
    const startsAt = Number(String(this.#hash(event).get(field) ?? '0').split('|')[0])
    if (startsAt >= change.startsAt) return
    const used = this.#number(event, dayField(change.meter, change.day))
    this.#hash(event).set(dayField(change.meter, change.day), used)
    this.#hash(event).set(field, `${change.startsAt}|${used}`)
  }

  #recordMembers(event: ModelEvent, meter: string): void {
    this.#recordLevel(event, meter, this.#membersOf(event, meter).size)
  }

  #recordLevel(event: ModelEvent, meter: string, level: number): void {
    this.#hash(event).set(lastLevelField(meter, dayOf(event.recordedAt ?? event.appendedAt)), level)
  }

  #membersOf(event: ModelEvent, meter: string): Set<string> {
    const key = `${event.workspace} ${meter}`
    const members = this.#members.get(key) ?? new Set<string>()
    this.#members.set(key, members)
    return members
  }

  #hash(event: ModelEvent): Map<string, number | string> {
    const hash = this.#fields.get(event.workspace) ?? new Map<string, number | string>()
    this.#fields.set(event.workspace, hash)
    return hash
  }

  #number(event: ModelEvent, field: string): number {
    return Number(this.#hash(event).get(field) ?? 0)
  }
}
