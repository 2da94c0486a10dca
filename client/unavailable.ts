import { TallygateClientError } from './client-error.ts'
import type { Decision } from './decision.ts'
import type { CheckItem } from './requests.ts'

/** Words of a policy. */
export const onUnavailableWords = ['allow', 'deny', 'throw'] as const

/** What this client answers for a feature when the service cannot be asked: a decision marked `degraded`, or an error. */
export type OnUnavailable = (typeof onUnavailableWords)[number]

/** One policy for all features, or one each; features that are not named throw. */
export type UnavailablePolicy<Feature extends string = string> =
  | OnUnavailable
  | { readonly [Key in Feature]?: OnUnavailable }

interface Asked<Feature extends string> {
  readonly workspace: string
  readonly items: readonly CheckItem<Feature>[]
}

/**
 * Decisions by policy after a call failed. Throws the failure itself when the service refused the call, or when a feature
 * says `throw`: then nothing is known, and nothing is made up.
 */
export function decideUnavailable<Feature extends string>(
  policy: UnavailablePolicy<Feature>,
  failure: unknown,
  { workspace, items }: Asked<Feature>,
): readonly Decision<Feature>[] {
  if (!(failure instanceof TallygateClientError) || !failure.isUnavailability) throw failure
  return items.map(({ feature, quantity = 1 }) => {
    const answer = typeof policy === 'string' ? policy : (ownPolicy(policy, feature) ?? 'throw')
    if (answer === 'throw') throw failure
    return degraded({ workspace, feature, quantity, allowed: answer === 'allow' })
  })
}

function ownPolicy<Feature extends string>(
  policy: { readonly [Key in Feature]?: OnUnavailable },
  feature: Feature,
): OnUnavailable | undefined {
  return Object.hasOwn(policy, feature) ? policy[feature] : undefined
}

interface Degraded<Feature extends string> {
  readonly workspace: string
  readonly feature: Feature
  readonly quantity: number
  readonly allowed: boolean
}

function degraded<Feature extends string>({ allowed, ...asked }: Degraded<Feature>): Decision<Feature> {
  return {
    ...asked,
    allowed,
    reason: allowed ? 'degraded_allow' : 'degraded_deny',
    limit: null,
    used: 0,
    held: 0,
    remaining: null,
    unlimited: false,
    window: null,
    resetsAt: null,
    plan: null,
    planVersion: null,
    status: 'unknown',
    overLimit: null,
    unblock: [],
    asOf: null,
    lagMs: null,
    exact: false,
    degraded: true,
    cachedForMs: 0,
  }
}
