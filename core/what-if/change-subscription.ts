import type { Catalogue } from '../catalogue/catalogue.ts'
import type { WorkspaceFacts } from '../entitlement/facts.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'

/** What would be changed of a subscription; what is left out stays. */
export interface SubscriptionWish {
  readonly plan?: string
  readonly seats?: number
  /** All add-ons there would be, each until the end of the period. */
  readonly addOns?: readonly { readonly key: string; readonly quantity: number }[]
}

/**
 * The facts of a workspace if a wish came true now, by support: no rule of transition is asked. From a trial another plan
 * is bought, and begins a window of its own.
 *
 * Throws `not_found` without a subscription and `invalid_request` for a plan or add-on that is not sold.
 */
export function withWish(
  facts: WorkspaceFacts,
  wish: SubscriptionWish,
  { catalogue, now }: { readonly catalogue: Catalogue; readonly now: Instant },
): WorkspaceFacts {
  const { subscription } = facts
  if (subscription === null) {
    throw new TallygateError('not_found', 'the workspace has no subscription that could be changed')
  }
  const { plan = subscription.plan, seats = subscription.seats, addOns } = wish
  requireKnown(catalogue.plans, { field: 'plan', key: plan })
  for (const { key } of addOns ?? []) requireKnown(catalogue.addOns, { field: 'addOns', key })
  const isPurchase = subscription.status === 'trialing' && plan !== subscription.plan
  const bought = addOns?.map((addOn) => ({ ...addOn, from: now, until: subscription.periodEnd }))
  return {
    ...facts,
    subscription: {
      ...subscription,
      ...(isPurchase ? { status: 'active', anchorDay: new Date(now).getUTCDate(), windowStartsAt: now } : {}),
      plan,
      seats,
      planSince: plan === subscription.plan ? subscription.planSince : now,
      addOns: bought ?? subscription.addOns,
    },
  }
}

function requireKnown(
  sold: Readonly<Record<string, object>>,
  { field, key }: { readonly field: string; readonly key: string },
): void {
  if (ownValue(sold, key) !== undefined) return
  const known = Object.keys(sold).join(', ')
  throw new TallygateError('invalid_request', `there is no "${key}" in ${field}; known are ${known}`, {
    field,
  })
}
