import { type Day, dayOf, type Instant } from '../instant.ts'
import { DEDUPE_WINDOW_MS } from './append-time.ts'
import { dayField, levelField, parseDayField, splitField } from './counter-fields.ts'
import type { ModelEvent } from './counter-model.ts'
import type { CounterChange } from './usage-event.ts'

/** The counter of the members of a distinct meter, as differences name it. */
export function membersCounter(meter: string): string {
  return `members ${meter}`
}

/**
 * Copies of events that came longer after the one before than ids are remembered, and what they name: each may have counted
 * again, or not. Takes the events of a workspace in the order of its log.
 */
export class LateCopies {
  /** Append time of the last copy, by workspace and identity. */
  readonly #appended = new Map<string, Instant>()
  readonly #counts = new Map<string, number>()
  /** Counters that late copies change at once, with their workspace. */
  readonly #changed = new Set<string>()
  /** First day of such a copy by workspace and meter: a level that it changed stays so until it is stated anew. */
  readonly #since = new Map<string, Day>()

  /** How many there are, by workspace. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  /** Takes the next event. */
  note(event: ModelEvent): void {
    const { workspace, identity, appendedAt } = event
    const name = `${workspace} ${identity}`
    const before = this.#appended.get(name)
    this.#appended.set(name, appendedAt)
    if (before === undefined || appendedAt - before <= DEDUPE_WINDOW_MS) return
    this.#counts.set(workspace, (this.#counts.get(workspace) ?? 0) + 1)
    for (const change of event.changes) {
      for (const counter of countersOf(change)) this.#changed.add(`${workspace} ${counter}`)
      this.#noteLevel(event, change)
    }
  }

  /** Whether a counter may be what it is because one of them counted again. */
  mayHaveChanged({ workspace, counter }: { readonly workspace: string; readonly counter: string }): boolean {
    if (this.#changed.has(`${workspace} ${counter}`)) return true
    const field = parseDayField(counter)
    const since = field?.kind === 'level' ? this.#since.get(`${workspace} ${field.meter}`) : undefined
    return field !== null && since !== undefined && field.day >= since
  }

  #noteLevel({ workspace, recordedAt, appendedAt }: ModelEvent, { kind, meter }: CounterChange): void {
    if (kind === 'flow' || kind === 'split') return
    const [name, day] = [`${workspace} ${meter}`, dayOf(recordedAt ?? appendedAt)]
    const since = this.#since.get(name)
    if (since === undefined || day < since) this.#since.set(name, day)
  }
}

function countersOf(change: CounterChange): readonly string[] {
  switch (change.kind) {
    case 'flow':
    case 'split':
      return [dayField(change.meter, change.day), splitField(change.meter, change.day)]
    case 'add':
    case 'set':
      return [levelField(change.meter)]
    case 'join':
    case 'leave':
    case 'members':
      return [membersCounter(change.meter)]
  }
}
