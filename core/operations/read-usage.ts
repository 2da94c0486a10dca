import type { Accuracy, Window } from '../entitlement/decision.ts'
import { TallygateError } from '../errors.ts'
import { DAY_MS, type Day, dayOf, type Instant, startOfDay } from '../instant.ts'
import type { DayArchive } from '../ports.ts'
import { ARCHIVE_FIELD, dayField, lastLevelField } from '../usage/counter-fields.ts'
import { type DayFigures, mergeFigures } from '../usage/past-days.ts'
import { accuracyOf, requireFeature } from './check.ts'
import { readEntitlements } from './read-entitlements.ts'
import { readPastDays } from './read-past-days.ts'
import type { ReadDeps } from './read-workspace.ts'

/** What was recorded on one UTC day. */
export interface DayUsage {
  readonly day: Day
  /** Flow: units of that day. Stock: the last level recorded that day, null when none was. */
  readonly used: number | null
  /** The same for each meter of the feature. */
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
  const feature = requireFeature(deps.catalogue.remembered(), featureKey)
  if (feature.kind === 'switch') {
    throw new TallygateError('invalid_request', `${featureKey} is a switch; nothing is counted for it`, {
      field: 'feature',
    })
  }
  const days = daysBetween(query)
  const { uses } = await readEntitlements(deps, workspace)
  const use = uses.find(({ entitlement }) => entitlement.featureKey === featureKey)
  const kind = feature.kind === 'flow' ? 'used' : 'level'
  const fields = days.flatMap((day) => feature.meters.map((meter) => fieldOf(kind, meter, day)))
  const reading = await deps.counters.read(workspace, { fields: [ARCHIVE_FIELD, ...fields], sets: [] })
  const { [ARCHIVE_FIELD]: newest = null, ...counted } = reading.fields
  const past = await readPastDays(deps.archive, newest, days[0] ?? '')
  const figures = mergeFigures(past, numbersOf(counted))
  const window = use?.entitlement.window ?? null
  return {
    days: days.map((day) => dayUsage(figures, { day, meters: feature.meters, kind })),
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

interface DayInput {
  readonly day: Day
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

function dayUsage(figures: DayFigures, { day, meters, kind }: DayInput): DayUsage {
  const values = meters.map((meter): [string, number | null] => {
    return [meter, figures[fieldOf(kind, meter, day)] ?? (kind === 'used' ? 0 : null)]
  })
  const known = values.flatMap(([, value]) => (value === null ? [] : [value]))
  const used = known.length === 0 ? null : known.reduce((sum, value) => sum + Math.max(value, 0), 0)
  return { day, used, meters: Object.fromEntries(values) }
}
