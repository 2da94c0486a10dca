import { type Amount, clampAmount } from '../amount.ts'
import type { LimitFormula, Plan, PlanVersion, Reach } from '../catalogue/plan.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'

/** What a plan says of something, and the version that says it. */
export interface StatedBy<Stated> {
  readonly version: PlanVersion
  readonly stated: Stated
}

/** When a plan is asked, and since when the workspace is on it. */
export interface PlanMoment {
  readonly now: Instant
  readonly planSince: Instant
}

/**
 * What a plan says now to a workspace that took it at `planSince`; null when it says nothing.
 *
 * The newest version ≤ now whose entry reaches everyone, or that is no newer than the pin; the first version reaches
 * everyone, since nothing older could hold for who was there before. Source: domain.md, "The shape of the catalogue".
 */
export function statedBy<Stated extends { readonly reach: Reach }>(
  plan: Plan,
  { now, planSince }: PlanMoment,
  entryOf: (version: PlanVersion) => Stated | undefined,
): StatedBy<Stated> | null {
  for (const version of plan.versions.toReversed()) {
    if (version.from > now) continue
    const stated = entryOf(version)
    const reaches = version === plan.versions[0] || version.from <= planSince
    if (stated !== undefined && (stated.reach === 'all' || reaches)) return { version, stated }
  }
  return null
}

/** The limit a plan states for a feature. */
export function limitStatedBy(
  plan: Plan,
  feature: string,
  moment: PlanMoment,
): StatedBy<LimitFormula> | null {
  return statedBy(plan, moment, ({ limits }) => ownValue(limits, feature))
}

/** Whether a plan has a switch on, and the version that says so. */
export function isSwitchOn(plan: Plan, feature: string, moment: PlanMoment): StatedBy<boolean> {
  const found = statedBy(plan, moment, ({ switches }) => ownValue(switches, feature))
  const version = found?.version ?? plan.versions[0]
  if (version === undefined) throw new RangeError('a plan has at least one version')
  return { version, stated: found?.stated.on ?? false }
}

/** Units that a formula and add-ons give for some seats; null = unlimited. */
export function limitFor(
  formula: LimitFormula,
  { seats, extra }: { readonly seats: number; readonly extra: number },
): Amount | null {
  if (formula.unlimited) return null
  const raw = formula.base + formula.perSeat * seats
  const kept = Math.min(Math.max(raw, formula.min ?? raw), formula.max ?? Math.max(raw, formula.min ?? raw))
  return clampAmount(kept + extra)
}
