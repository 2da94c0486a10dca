import type { Feature } from '../catalogue/feature.ts'
import type { Accuracy, Window } from '../entitlement/decision.ts'
import { TallygateError } from '../errors.ts'
import { HISTORY_DAYS_MAX } from '../history/past-usage.ts'
import { DAY_MS, type Day, dayOf, type Instant, startOfDay } from '../instant.ts'
import type { DayArchive } from '../ports.ts'
import { ARCHIVE_FIELD, dayField, lastLevelField } from '../usage/counter-fields.ts'
import { type DayFigures, mergeFigures } from '../usage/past-days.ts'
import { byNewestCatalogue } from './by-newest-catalogue.ts'
import { accuracyOf, requireFeature } from './check.ts'
import { readEntitlements } from './read-entitlements.ts'
import { readPastDays } from './read-past-days.ts'
import { type ReadDeps, readCounted } from './read-workspace.ts'

/** What was recorded on one UTC day. */
export interface DayUsage {
  readonly day: Day
  /** Flow: units of that day. Stock: the level at the end of that day, null when no meter of it changed that day. */
  readonly used: number | null
  /** Flow: units of that day. Stock: the last level of each meter that was recorded that day, null when none was. */
  readonly meters: Readonly<Record<string, number | null>>
}

/** Use of one feature by day, and of the running window (flow) or now (stock) in total. */
export interface UsageByDay {
  readonly days: readonly DayUsage[]
  readonly window: Window | null
  readonly total: number
  readonly accuracy: Accuracy
}

/** Whose use of what, over `[from, to]` by UTC day. */
export interface UsageQuery {
  readonly workspace: string
  readonly feature: string
  readonly from: Instant
  readonly to: Instant
}

/** Longest span of one answer, days. */
export const USAGE_DAYS_MAX = 400

/** What reading by day needs beside the counters. */
export interface UsageDeps extends ReadDeps {
  readonly archive: DayArchive
}

/** Reads use by UTC day. Throws `invalid_request`, `unknown_feature`, `not_found` and `unavailable`. */
export async function readUsage(deps: UsageDeps, query: UsageQuery): Promise<UsageByDay> {
  const { workspace, feature: featureKey } = query
  const feature = await byNewestCatalogue(deps.catalogue, (catalogue) =>
    requireFeature(catalogue, featureKey),
  )
  if (feature.kind === 'switch') {
    throw new TallygateError('invalid_request', `${featureKey} is a switch; nothing is counted for it`, {
      field: 'feature',
    })
  }
  const days = daysBetween(query)
  const { uses } = await readEntitlements(deps, workspace)
  const use = uses.find(({ entitlement }) => entitlement.featureKey === featureKey)
  const kind = feature.kind === 'flow' ? 'used' : 'level'
  const all = [...daysCarriedOn(feature, query), ...days]
  const fields = all.flatMap((day) => feature.meters.map((meter) => fieldOf(kind, meter, day)))
  const reading = await readCounted(deps, workspace, { fields: [ARCHIVE_FIELD, ...fields], sets: [] })
  const { [ARCHIVE_FIELD]: newest = null, ...counted } = reading.fields
  const past = await readPastDays(deps.archive, newest, all[0] ?? '')
  const figures = mergeFigures(past, numbersOf(counted))
  const window = use?.entitlement.window ?? null
  return {
    days: all.map(dayUsageBy(figures, { meters: feature.meters, kind })).slice(-days.length),
    window: window === null ? null : { from: window.from, to: window.to },
    total: use?.usage.used ?? 0,
    accuracy: accuracyOf(reading),
  }
}

function daysBetween({ from, to }: UsageQuery): readonly Day[] {
  const count = Math.floor((startOfDay(to) - startOfDay(from)) / DAY_MS) + 1
  if (count < 1 || count > USAGE_DAYS_MAX) {
    const message = `from and to must span 1 … ${USAGE_DAYS_MAX} days`
    throw new TallygateError('invalid_request', message, { field: 'from' })
  }
  return Array.from({ length: count }, (_, index) => dayOf(from + index * DAY_MS))
}

/** Days before those asked about: where only one of several meters changed, the others are still what they were. */
function daysCarriedOn({ kind, meters }: Feature, { from }: UsageQuery): readonly Day[] {
  if (kind === 'flow' || meters.length < 2) return []
  return Array.from({ length: HISTORY_DAYS_MAX }, (_, index) =>
    dayOf(startOfDay(from) - (HISTORY_DAYS_MAX - index) * DAY_MS),
  )
}

interface DayInput {
  readonly meters: readonly string[]
  readonly kind: 'used' | 'level'
}

function fieldOf(kind: 'used' | 'level', meter: string, day: Day): string {
  return kind === 'used' ? dayField(meter, day) : lastLevelField(meter, day)
}

function numbersOf(fields: Readonly<Record<string, string | null>>): DayFigures {
  const known = Object.entries(fields).flatMap(([name, text]) =>
    text === null ? [] : [[name, Number(text)]],
  )
  return Object.fromEntries(known)
}

/** What to make of one day after another. */
function dayUsageBy(figures: DayFigures, { meters, kind }: DayInput): (day: Day) => DayUsage {
  const levels = new Map<string, number>()
  return (day) => {
    const values = meters.map((meter): [string, number | null] => {
      return [meter, figures[fieldOf(kind, meter, day)] ?? (kind === 'used' ? 0 : null)]
    })
    for (const [meter, value] of values) if (value !== null) levels.set(meter, Math.max(value, 0))
    const isRecorded = values.some(([, value]) => value !== null)
    const used = isRecorded ? [...levels.values()].reduce((sum, level) => sum + level, 0) : null
    return { day, used, meters: Object.fromEntries(values) }
  }
}
