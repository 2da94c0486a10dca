import type { Actor, CorrectedUsage, CorrectionRecord } from '../audit/audit-entry.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import type { CounterReading, CounterStore } from '../ports.ts'
import { setsCounters } from '../usage/sets-counters.ts'

/** An event as it was sent. */
export interface GivenEvent {
  readonly record: string
  readonly workspace: string
  readonly [name: string]: unknown
}

/** What recording needs, and who sets. */
export interface NoteDeps {
  readonly counters: CounterStore
  readonly catalogue: Catalogue
  readonly now: Instant
  readonly by: Actor
  /** Where the events were read, at the command line. */
  readonly file?: string
  /** Stores the record of a workspace, or throws. */
  readonly append: (workspace: string, record: CorrectionRecord) => Promise<void>
}

/**
 * Records who sets counters, from what and to what, before the events that do it are written (G28).
 *
 * Throws `unavailable` when the record cannot be stored: then nothing is written either. What the counters said before
 * is null where they cannot be had.
 */
export async function noteCorrections(deps: NoteDeps, events: readonly GivenEvent[]): Promise<void> {
  const setting = events.filter(setsCounters)
  for (const [workspace, own] of Map.groupBy(setting, (event) => event.workspace)) {
    const set = own.map((event) => ({ event, after: setBy(event) }))
    const before = await figuresBefore(deps, workspace, [
      ...new Set(set.flatMap(({ after }) => Object.keys(after))),
    ])
    const corrected = set.map(({ event, after }): CorrectedUsage => {
      const { record, id, source } = event
      const figures = before === null ? null : pick(before, Object.keys(after))
      return { record, id: String(id), source: String(source), before: figures, after }
    })
    const { now: at, by, file } = deps
    const record = { action: 'usage_set', at, by, events: corrected } as const
    await deps.append(workspace, file === undefined ? record : { ...record, file })
  }
}

/** Each meter that an event sets, with the level or the number of members that it sets. */
function setBy(event: GivenEvent): Readonly<Record<string, number>> {
  if (event.record === 'MeterEvent') return { [String(event['meter'])]: Number(event['quantity']) }
  const members = Object.entries(Object(event['members'])).map(([meter, list]): [string, number] => {
    return [meter, Array.isArray(list) ? new Set(list.map((member) => Object(member).subject)).size : 0]
  })
  const levels = Object.entries(Object(event['levels'])).map(([meter, level]): [string, number] => {
    return [meter, Number(level)]
  })
  return Object.fromEntries([...levels, ...members])
}

type Figures = Readonly<Record<string, number>>

function pick(figures: Figures, meters: readonly string[]): Figures {
  return Object.fromEntries(meters.map((meter) => [meter, figures[meter] ?? 0]))
}

async function figuresBefore(
  { counters, catalogue }: NoteDeps,
  workspace: string,
  meters: readonly string[],
): Promise<Figures | null> {
  const isDistinct = (meter: string): boolean =>
    ownValue(catalogue.meters, meter)?.[0]?.aggregation === 'distinct'
  const sets = meters.filter(isDistinct).map((meter) => ({ meter, subject: null }))
  const fields = meters.filter((meter) => !isDistinct(meter))
  const reading = await counters.read(workspace, { fields, sets }).catch((error: unknown) => {
    if (error instanceof TallygateError) return null
    throw error
  })
  return reading === null || reading.state === 'rebuilding' ? null : figuresOf(reading, meters)
}

function figuresOf({ fields, sizes }: CounterReading, meters: readonly string[]): Figures {
  return Object.fromEntries(meters.map((meter) => [meter, sizes[meter] ?? Number(fields[meter] ?? 0)]))
}
