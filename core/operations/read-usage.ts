import type { Accuracy, Window } from '../entitlement/decision.ts'
import { TallygateError } from '../errors.ts'
import { DAY_MS, type Day, dayOf, type Instant, startOfDay } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import { dayField, lastLevelField } from '../usage/counter-fields.ts'
import { accuracyOf, requireFeature } from './check.ts'
import { readEntitlements } from './read-entitlements.ts'
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

/** Reads use by UTC day. Throws `invalid_request`, `unknown_feature`, `not_found` and `unavailable`. */
export async function readUsage(deps: ReadDeps, query: UsageQuery): Promise<UsageByDay> {
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
  const nameOf = feature.kind === 'flow' ? dayField : lastLevelField
  const fields = days.flatMap((day) => feature.meters.map((meter) => nameOf(meter, day)))
  const reading = await deps.counters.read(workspace, { fields, sets: [] })
  const window = use?.entitlement.window ?? null
  return {
    days: days.map((day) =>
      dayUsage(reading, { day, meters: feature.meters, nameOf, isFlow: feature.kind === 'flow' }),
    ),
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
  readonly nameOf: (meter: string, day: Day) => string
  readonly isFlow: boolean
}

function dayUsage(reading: CounterReading, { day, meters, nameOf, isFlow }: DayInput): DayUsage {
  const values = meters.map((meter): [string, number | null] => {
    const text = reading.fields[nameOf(meter, day)] ?? null
    if (text === null) return [meter, isFlow ? 0 : null]
    return [meter, Number(text)]
  })
  const known = values.flatMap(([, value]) => (value === null ? [] : [value]))
  const used = known.length === 0 ? null : known.reduce((sum, value) => sum + Math.max(value, 0), 0)
  return { day, used, meters: Object.fromEntries(values) }
}
