import type { DeadLetterCode } from '../errors.ts'
import type { Instant } from '../instant.ts'

/** What happened to a subscription; an unknown one still applies its state. */
export const changeTypes = [
  'trial_started',
  'purchased',
  'renewed',
  'extended',
  'upgraded',
  'downgraded',
  'seats_changed',
  'add_on_changed',
  'cancel_scheduled',
  'auto_renew_changed',
  'payment_pending',
  'payment_failed',
  'payment_succeeded',
  'refunded',
  'expired',
  'corrected',
] as const

/** What a subscription is, as billing states it; access follows from it and from time. */
export const subscriptionStatuses = ['trialing', 'active', 'payment_pending', 'canceled', 'expired'] as const
export type SubscriptionStatus = (typeof subscriptionStatuses)[number]

/** What an order pays for. */
export const orderKinds = ['purchase', 'renewal', 'extension', 'upgrade', 'seats', 'add_on'] as const
export type OrderKind = (typeof orderKinds)[number]

/** How far an order has come; a failed payment leaves it pending (S12). */
export const orderStatuses = ['pending', 'paid', 'failed', 'refunded'] as const
export type OrderStatus = (typeof orderStatuses)[number]

/** Who caused an event; support lifts the rules of transition. */
export const actors = ['customer', 'support', 'system'] as const
export type Actor = (typeof actors)[number]

/** An add-on that was bought, in force over `[from, until)`. */
export interface BoughtAddOn {
  readonly key: string
  readonly quantity: number
  readonly from: Instant
  readonly until: Instant
}

/** What is in force, as billing states it in each event. */
export interface Subscription {
  readonly subscriptionId: string
  readonly status: SubscriptionStatus
  readonly plan: string
  /** Since when the workspace is on this plan: pins its version. */
  readonly planSince: Instant
  readonly seats: number
  readonly termMonths: number
  readonly periodStart: Instant
  readonly periodEnd: Instant
  /** Day of month that flow windows begin on, 1–31. */
  readonly anchorDay: number
  readonly autoRenew: boolean
  readonly cancelAtPeriodEnd: boolean
  readonly country: string
  readonly currency: string
  readonly paymentMethod: string
  readonly addOns: readonly BoughtAddOn[]
}

/** One try to charge an order. */
export interface PaymentAttempt {
  readonly state: string
  readonly at: Instant
  readonly reason: string | null
}

/** What is being bought or paid. */
export interface Order {
  readonly orderId: string
  readonly kind: OrderKind
  readonly status: OrderStatus
  readonly amountMinor: number
  readonly currency: string
  readonly method: string
  readonly installments: number
  readonly placedAt: Instant
  readonly paidAt: Instant | null
  readonly attempt: PaymentAttempt | null
}

/** One version of a workspace's subscription, as billing sent it. */
export interface SubscriptionEvent {
  readonly id: string
  readonly workspace: string
  /** Rises by the workspace; the fold goes in this order, whatever the order of arrival. */
  readonly version: number
  readonly occurredAt: Instant
  readonly type: string
  readonly actor: Actor
  readonly subscription: Subscription
  readonly order: Order | null
}

/** What the fold of the stored versions accepts as in force. */
export interface AcceptedSubscription extends Subscription {
  readonly version: number
  /** When the version happened; of a canceled subscription, when it was first canceled. */
  readonly occurredAt: Instant
  /** The order that waits for its payment, with its attempts. */
  readonly openOrder: Order | null
  /** Beginning of the running flow window when it lies inside a day: first purchase, purchase after a lapse, new anchor. */
  readonly windowStartsAt: Instant | null
}

/** A field, an order or a whole event that was refused, with the rule that says so. */
export interface Refusal {
  readonly code: DeadLetterCode
  readonly reason: string
}
