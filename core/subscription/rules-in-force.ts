import type { Instant } from '../instant.ts'
import { isEqual } from '../is-equal.ts'
import type { SubscriptionRules } from './fold.ts'

/** The rules that judge what happened at an instant. */
export type RulesAt = (at: Instant) => SubscriptionRules

/** The rules of a revision of the catalogue, and when it was stored. */
export interface DatedRules {
  readonly since: Instant
  readonly rules: SubscriptionRules
}

/**
 * The rules in force at each instant: those of the newest revision stored by then; before the first, the first's.
 *
 * `dated`: at least one, in the order of the revisions; one that was stored by a clock that ran behind counts from
 * the one before it on. Plans and add-ons that only a later revision knows are known before, too, as the first such
 * revision has them: what billing sold before the catalogue had it can be enforced since. Source: ADR 0025.
 */
export function rulesInForce(dated: readonly DatedRules[]): RulesAt {
  const periods = withLaterNames(rising(dated))
  const first = periods[0]
  if (first === undefined) throw new RangeError('there is no revision of the catalogue to judge by')
  return (at) => (periods.findLast(({ since }) => since <= at) ?? first).rules
}

/** The part of a catalogue that transitions are judged by: what else it holds need not be kept for every revision. */
export function rulesOf(catalogue: SubscriptionRules): SubscriptionRules {
  const { plans, addOns, terms, payments, trial, processingWindowMinutes } = catalogue
  return {
    plans: mapValues(plans, ({ rank }) => ({ rank })),
    addOns: mapValues(addOns, ({ minMonths }) => ({ minMonths })),
    terms,
    payments,
    trial,
    processingWindowMinutes,
  }
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Readonly<Record<string, To>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))
}

/** One entry for each change of the rules, at instants that only rise. */
function rising(dated: readonly DatedRules[]): readonly DatedRules[] {
  const kept: DatedRules[] = []
  let last = 0
  for (const { since, rules } of dated) {
    last = Math.max(last, since)
    const before = kept.at(-1)
    if (before === undefined || !isEqual(before.rules, rules)) kept.push({ since: last, rules })
  }
  return kept
}

function withLaterNames(periods: readonly DatedRules[]): readonly DatedRules[] {
  const known: DatedRules[] = []
  let later: Pick<SubscriptionRules, 'plans' | 'addOns'> = { plans: {}, addOns: {} }
  for (const { since, rules } of periods.toReversed()) {
    later = { plans: { ...later.plans, ...rules.plans }, addOns: { ...later.addOns, ...rules.addOns } }
    known.push({ since, rules: { ...rules, ...later } })
  }
  return known.toReversed()
}
