import { ownValue } from '../own-value.ts'
import type { Catalogue } from './catalogue.ts'
import type { Plan } from './plan.ts'
import { PROBLEMS_MAX, type Problem } from './source-reader.ts'

/**
 * What a catalogue names but does not have, and gaps that would leave a feature without a limit. Only the first one may
 * have no meter that no feature uses: one that follows keeps the meters of the features that it no longer sells.
 */
export function checkReferences(catalogue: Catalogue): Problem[] {
  const problems: Problem[] = []
  const fault = (path: string, problem: string): void => {
    if (problems.length < PROBLEMS_MAX) problems.push({ path, problem })
  }
  checkFeatures(catalogue, fault)
  if (catalogue.revision === 1) for (const meter of unusedMeters(catalogue)) fault(`meters.${meter}`, UNUSED)
  for (const [key, plan] of Object.entries(catalogue.plans)) checkPlan({ catalogue, plan, key, fault })
  checkRanks(catalogue, fault)
  if (ownValue(catalogue.plans, catalogue.trial.plan) === undefined) {
    fault('trial.plan', `there is no plan "${catalogue.trial.plan}"`)
  }
  for (const [key, addOn] of Object.entries(catalogue.addOns)) {
    const feature = ownValue(catalogue.features, addOn.feature)
    if (feature === undefined) fault(`addOns.${key}.feature`, `there is no feature "${addOn.feature}"`)
    if (feature?.kind === 'switch') fault(`addOns.${key}.feature`, 'a switch has no amount to add to')
  }
  if (catalogue.terms.length === 0) fault('terms', 'at least one term must be sold')
  if (catalogue.payments.length === 0) fault('payments', 'at least one way to pay is needed')
  return problems
}

/** What is wrong with a meter that is new and that no feature uses. */
export const UNUSED = 'no feature uses this meter'

/** Meters that no feature is a limit over: they are counted and limit nothing. */
export function unusedMeters({ features, meters }: Catalogue): readonly string[] {
  const used = new Set(Object.values(features).flatMap((feature) => feature.meters))
  return Object.keys(meters).filter((meter) => !used.has(meter))
}

type Fault = (path: string, problem: string) => void

function checkFeatures({ features, meters }: Catalogue, fault: Fault): void {
  for (const [key, feature] of Object.entries(features)) {
    feature.meters.forEach((meter, index) => {
      const definitions = ownValue(meters, meter)
      const path = `features.${key}.meters[${index}]`
      if (definitions === undefined) fault(path, `there is no meter "${meter}"`)
      const isSum = definitions?.[0]?.aggregation === 'sum'
      if (feature.kind === 'flow' && definitions !== undefined && !isSum)
        fault(path, 'a flow feature needs sum meters')
      if (feature.kind === 'stock' && isSum) fault(path, 'a stock feature needs level or distinct meters')
    })
    const required = feature.requires === undefined ? undefined : ownValue(features, feature.requires)
    if (feature.requires !== undefined && required?.kind !== 'switch') {
      fault(`features.${key}.requires`, `"${feature.requires}" is not a switch of this catalogue`)
    }
  }
  const owners = new Map<string, string>()
  for (const [key, feature] of Object.entries(features)) {
    for (const [index, meter] of feature.meters.entries()) {
      const owner = owners.get(meter)
      if (owner !== undefined)
        fault(
          `features.${key}.meters[${index}]`,
          `"${meter}" counts for ${owner} already; give this a meter of its own`,
        )
      owners.set(meter, owner ?? key)
    }
  }
}

interface PlanCheck {
  readonly catalogue: Catalogue
  readonly plan: Plan
  readonly key: string
  readonly fault: Fault
}

function checkPlan({ catalogue, plan, key, fault }: PlanCheck): void {
  plan.versions.forEach((version, index) => {
    const path = `plans.${key}.versions[${index}]`
    for (const name of Object.keys(version.limits)) {
      const kind = ownValue(catalogue.features, name)?.kind
      if (kind === undefined) fault(`${path}.limits.${name}`, `there is no feature "${name}"`)
      if (kind === 'switch') fault(`${path}.limits.${name}`, 'a switch is listed in on or off')
    }
    for (const name of Object.keys(version.switches)) {
      if (ownValue(catalogue.features, name)?.kind !== 'switch') fault(path, `"${name}" is not a switch`)
    }
  })
  const first = plan.versions[0]
  for (const [name, feature] of Object.entries(catalogue.features)) {
    const isStated =
      feature.kind === 'switch' ? ownValue(first?.switches, name) : ownValue(first?.limits, name)
    if (first !== undefined && isStated === undefined) {
      fault(`plans.${key}.versions[0]`, `says nothing of ${name}; the first version must state every feature`)
    }
  }
}

function checkRanks({ plans }: Catalogue, fault: Fault): void {
  const byRank = new Map<number, string>()
  for (const [key, { rank }] of Object.entries(plans)) {
    const other = byRank.get(rank)
    if (other !== undefined)
      fault(`plans.${key}.rank`, `is also the rank of ${other}; a downgrade must be telling`)
    byRank.set(rank, key)
  }
}
