import { clampAmount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { type Aggregation, meterAt } from '../catalogue/meter.ts'
import type { Request } from '../entitlement/decision.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { Day, Instant } from '../instant.ts'
import type { CounterReading } from '../ports.ts'
import { dayField, heldField, levelField, splitField } from './counter-fields.ts'
import type { FeatureUsage } from './feature-usage.ts'
import type { ReadPlan } from './read-plan.ts'

/** An entitlement whose counters are wanted, and the resource asked about, if any. */
export interface Wanted {
  readonly entitlement: Entitlement
  readonly subject: string | null
  /** The meter that the resource would be a member of; absent = any of the feature's. */
  readonly meter?: string | undefined
}

/** The resource that a request is about. */
export function resourceOf({
  subject,
  meter,
}: Pick<Request, 'subject' | 'meter'>): Omit<Wanted, 'entitlement'> {
  return { subject: subject ?? null, meter }
}

/** What to read so that `usageOf` can answer for all of these. */
export function planReading(catalogue: Catalogue, wanted: readonly Wanted[]): ReadPlan {
  const fields = new Set<string>()
  const sets = new Map<string, { meter: string; subject: string | null }>()
  for (const { entitlement, subject: asked, meter: named } of wanted) {
    for (const meter of entitlement.feature.meters) {
      fields.add(heldField(meter))
      switch (aggregationOf(catalogue, meter)) {
        case 'level':
          fields.add(levelField(meter))
          break
        case 'distinct': {
          const subject = isAbout(meter, named) ? asked : null
          sets.set(`${meter} ${subject ?? ''}`, { meter, subject })
          break
        }
        case 'sum':
          for (const field of windowFields(entitlement, meter)) fields.add(field)
      }
    }
  }
  return { fields: [...fields], sets: [...sets.values()] }
}

/** What the counters say of a feature, its meters summed; a level below zero counts as 0. */
export function usageOf(
  { entitlement, subject, meter: named }: Wanted,
  reading: CounterReading,
  catalogue: Catalogue,
): FeatureUsage {
  let used = 0
  let held = 0
  let subjectIsMember = false
  let subjectIsHeld = false
  for (const meter of entitlement.feature.meters) {
    held += numberOf(reading, heldField(meter))
    const aggregation = aggregationOf(catalogue, meter)
    if (aggregation === 'level') used += Math.max(numberOf(reading, levelField(meter)), 0)
    if (aggregation === 'sum') used += Math.max(windowUse(entitlement, meter, reading), 0)
    if (aggregation === 'distinct') {
      used += reading.sizes[meter] ?? 0
      if (subject === null || !isAbout(meter, named)) continue
      if (reading.membership[memberKey(meter, subject)] === true) subjectIsMember = true
      if (reading.heldSubjects[memberKey(meter, subject)] === true) subjectIsHeld = true
    }
  }
  return { used: clampAmount(used), held: clampAmount(held), subjectIsMember, subjectIsHeld }
}

/**
 * Whether use of the day on which a window began inside it was counted, and not yet when on that day it began: until
 * then all of it counts into the window.
 */
export function isSplitMissing(
  { window, feature }: Entitlement,
  reading: CounterReading,
  catalogue: Catalogue,
): boolean {
  if (window === null || window.splitDay === null) return false
  const { day, startsAt } = window.splitDay
  return feature.meters
    .filter((meter) => aggregationOf(catalogue, meter) === 'sum')
    .some(
      (meter) =>
        numberOf(reading, dayField(meter, day)) > 0 && splitOf(reading, meter, day).startsAt !== startsAt,
    )
}

function isAbout(meter: string, named: string | undefined): boolean {
  return named === undefined || named === meter
}

/** Name under which a reading says whether a subject is a member of a distinct meter. */
export function memberKey(meter: string, subject: string): string {
  return `${meter} ${subject}`
}

/** How a meter is counted; its aggregation never changes between definitions, so any instant will do. */
export function aggregationOf(catalogue: Catalogue, meter: string): Aggregation {
  return meterAt(catalogue, meter, Number.MAX_SAFE_INTEGER)?.aggregation ?? 'level'
}

function windowFields({ window }: Entitlement, meter: string): readonly string[] {
  if (window === null) return []
  const days = window.days.map((day) => dayField(meter, day))
  return window.splitDay === null ? days : [...days, splitField(meter, window.splitDay.day)]
}

/** The days of the window, minus what its first day held before the window began. */
function windowUse({ window }: Entitlement, meter: string, reading: CounterReading): number {
  if (window === null) return 0
  const total = window.days.reduce((sum, day) => sum + numberOf(reading, dayField(meter, day)), 0)
  if (window.splitDay === null) return total
  const { startsAt, base } = splitOf(reading, meter, window.splitDay.day)
  return startsAt === window.splitDay.startsAt ? total - base : total
}

/** When the last window of a day began inside it, NaN for none, and what the day held by then. */
function splitOf(
  reading: CounterReading,
  meter: string,
  day: Day,
): { readonly startsAt: Instant; readonly base: number } {
  const split = reading.fields[splitField(meter, day)] ?? ''
  const [startsAt = Number.NaN, base = 0] = split === '' ? [] : split.split('|').map(Number)
  return { startsAt, base }
}

function numberOf(reading: CounterReading, field: string): number {
  return Number(reading.fields[field] ?? 0)
}
