import { clampAmount, ZERO } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { TraceStep } from '../entitlement/decision.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import { DAY_MS, type Day, dayOf, type Instant, startOfDay, toIso } from '../instant.ts'
import { dayField, lastLevelField, splitField } from '../usage/counter-fields.ts'
import { aggregationOf } from '../usage/feature-reading.ts'
import type { FeatureUsage } from '../usage/feature-usage.ts'

/** How far back the last level of a stock meter is looked for. */
export const HISTORY_DAYS_MAX = 400

/** An entitlement as it was at an instant. */
export interface PastQuestion {
  readonly catalogue: Catalogue
  readonly entitlement: Entitlement
  readonly at: Instant
}

/** What was used by then as far as it was kept, and what was not. */
export interface PastUsage {
  readonly usage: FeatureUsage
  readonly gaps: readonly TraceStep[]
}

/** Values of the fields by name, those of days that are archived among them. */
export type PastFields = Readonly<Record<string, string | number | null>>

/** The first day that `pastFields` may name. */
export function firstPastDay({ entitlement, at }: PastQuestion): Day {
  const back = dayOf(startOfDay(at) - (HISTORY_DAYS_MAX - 1) * DAY_MS)
  return entitlement.feature.kind === 'flow' ? (entitlement.window?.days[0] ?? dayOf(at)) : back
}

/** Fields to read so that `pastUsage` can answer. */
export function pastFields({ catalogue, entitlement, at }: PastQuestion): readonly string[] {
  return entitlement.feature.meters.flatMap((meter) => {
    if (aggregationOf(catalogue, meter) !== 'sum') {
      return daysBack(at).map((day) => lastLevelField(meter, day))
    }
    const days = windowDays(entitlement, at)
    return days.flatMap((day) => [dayField(meter, day), splitField(meter, day)])
  })
}

/**
 * What the counters say of a feature as of a past instant, its meters summed.
 *
 * Flow is kept by UTC day and stock as the last level of each day of arrival, so the day asked about counts whole:
 * the gap says between which figures the truth lies. Holds and who was a member are not kept.
 */
export function pastUsage(question: PastQuestion, fields: PastFields): PastUsage {
  const { catalogue, entitlement, at } = question
  const meters = entitlement.feature.meters.map((meter) =>
    aggregationOf(catalogue, meter) === 'sum'
      ? pastFlow(question, meter, fields)
      : pastLevel(at, meter, fields),
  )
  const used = meters.reduce((sum, { until }) => sum + Math.max(until, 0), 0)
  return {
    usage: { used: clampAmount(used), held: ZERO, subjectIsMember: false, subjectIsHeld: false },
    gaps: meters.flatMap(({ gaps }) => gaps),
  }
}

interface PastMeter {
  /** Units up to the end of the day asked about. */
  readonly until: number
  readonly gaps: readonly TraceStep[]
}

function pastFlow({ entitlement, at }: PastQuestion, meter: string, fields: PastFields): PastMeter {
  const { window } = entitlement
  if (window === null) return { until: 0, gaps: [] }
  const today = dayOf(at)
  const used = windowDays(entitlement, at).map((day) => {
    const whole = Number(fields[dayField(meter, day)] ?? 0)
    const split = String(fields[splitField(meter, day)] ?? '')
    const [startsAt = 0, base = 0] = split.split('|').map(Number)
    const isFirst = window.splitDay?.day === day && window.splitDay.startsAt === startsAt
    const isLast = day === today && startsAt > at
    return { day, units: isFirst ? whole - base : isLast ? base : whole }
  })
  const until = used.reduce((sum, { units }) => sum + units, 0)
  const ofToday = used.find(({ day }) => day === today)?.units ?? 0
  const split = window.splitDay === null ? null : { meter, day: window.splitDay.day, fields }
  return { until, gaps: [...splitGap(split), ...gapOf({ meter, at, from: until - ofToday, until })] }
}

function pastLevel(at: Instant, meter: string, fields: PastFields): PastMeter {
  const levels = daysBack(at).map((day) => fields[lastLevelField(meter, day)] ?? null)
  const [ofToday = null, ...before] = levels
  const found = before.find((level) => level !== null) ?? null
  const from = Number(found ?? 0)
  const until = ofToday === null ? from : Number(ofToday)
  if (ofToday === null && found === null) {
    const detail = `no level of ${meter} was recorded in the ${HISTORY_DAYS_MAX} days before; taken as 0`
    return { until, gaps: [{ step: 'history', detail, data: { meter } }] }
  }
  return { until, gaps: gapOf({ meter, at, from, until }) }
}

interface Gap {
  readonly meter: string
  readonly at: Instant
  readonly from: number
  readonly until: number
}

function gapOf({ meter, at, from, until }: Gap): readonly TraceStep[] {
  if (from === until) return []
  const day = toIso(at).slice(0, 10)
  const detail = `${meter} is kept by day: it went from ${from} to ${until} on ${day}, and when on that day is not known; ${until} is taken`
  return [{ step: 'history', detail, data: { meter, day, from, until } }]
}

interface SplitQuestion {
  readonly meter: string
  readonly day: Day
  readonly fields: PastFields
}

/** A window that began inside a day, of which only the whole day is left: days older than 40 lose their split. */
function splitGap(split: SplitQuestion | null): readonly TraceStep[] {
  if (split === null) return []
  const { meter, day, fields } = split
  const isKept = (fields[splitField(meter, day)] ?? null) !== null
  if (isKept || Number(fields[dayField(meter, day)] ?? 0) === 0) return []
  const detail = `${meter}: the window began inside ${day}, and what was used before on that day is not kept; the whole day counts`
  return [{ step: 'history', detail, data: { meter, day } }]
}

/** Days of the window up to the day of an instant. */
function windowDays({ window }: Entitlement, at: Instant): readonly Day[] {
  return window === null ? [] : window.days.filter((day) => day <= dayOf(at))
}

/** The day of an instant and those before it, newest first. */
function daysBack(at: Instant): readonly Day[] {
  return Array.from({ length: HISTORY_DAYS_MAX }, (_, back) => dayOf(startOfDay(at) - back * DAY_MS))
}
