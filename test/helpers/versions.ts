import { DAY_MS } from '#core/instant.ts'
import type { Subscription, SubscriptionEvent } from '#core/subscription/subscription.ts'
import { START, subscriptionWith } from './facts.ts'

/** What one version changes: fields of its envelope, and of the subscription it states. */
export interface Change extends Partial<Omit<SubscriptionEvent, 'subscription'>> {
  readonly is?: Partial<Subscription>
}

/** Versions of one workspace, each a day after the one before unless it says when; the first one buys base. */
export function versionsAfter(...changes: readonly Change[]): readonly SubscriptionEvent[] {
  let state: Subscription = subscriptionWith()
  const purchase: Change = { type: 'purchased' }
  return [purchase, ...changes].map(({ is, ...event }, index): SubscriptionEvent => {
    state = { ...state, ...is }
    const version = index + 1
    const envelope = { id: `v${version}`, workspace: 'acme', version, occurredAt: START + index * DAY_MS }
    const base = { ...envelope, type: 'corrected', actor: 'customer', order: null } as const
    return { ...base, subscription: state, ...event }
  })
}
