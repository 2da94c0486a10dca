import type { DeadLetterCode } from '../errors.ts'
import type { Instant } from '../instant.ts'

/** What billing says happened. A type that is not listed here does not stop its state from being applied. */
export const subscriptionEventTypes = [
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
export type SubscriptionEventType = (typeof subscriptionEventTypes)[number]

/** Who caused a change; only support may do what a rule of the subscription refuses. */
export const actors = ['customer', 'support', 'system'] as const
export type Actor = (typeof actors)[number]

/** How billing calls the condition of a subscription. */
export const subscriptionStatuses = ['trialing', 'active', 'payment_pending', 'canceled', 'expired'] as const
export type SubscriptionStatus = (typeof subscriptionStatuses)[number]

/** What an order buys. */
export const orderKinds = ['purchase', 'renewal', 'extension', 'upgrade', 'seats', 'add_on'] as const
export type OrderKind = (typeof orderKinds)[number]

/** Where an order stands; `failed` = closed unpaid, so a failed payment leaves its order `pending` (S12). */
export const orderStatuses = ['pending', 'paid', 'failed', 'refunded'] as const
export type OrderStatus = (typeof orderStatuses)[number]

/** The methods that api.md names. Which of them may pay where is the catalogue's table (S7). */
export const paymentMethods = ['credit_card', 'pix', 'card', 'paypal', 'partner'] as const
export type PaymentMethod = (typeof paymentMethods)[number]

/** What became of one attempt to take the money of an order. */
export const attemptStates = ['processing', 'failed', 'succeeded'] as const
export type AttemptState = (typeof attemptStates)[number]

/** One attempt to take the money of an order. */
export interface PaymentAttempt {
  readonly state: AttemptState
  /** When it was begun. */
  readonly at: Instant
  readonly reason: string | null
}

/** What is being bought or paid. */
export interface Order {
  readonly orderId: string
  readonly kind: OrderKind
  readonly status: OrderStatus
  /** In the currency's minor units. */
  readonly amountMinor: number
  /** ISO 4217 code. */
  readonly currency: string
  /** A method that the table does not know is `payment_not_allowed`, not a malformed event. */
  readonly method: string
  /** Number of payments; 0 and 1 both mean all at once. */
  readonly installments: number
  readonly placedAt: Instant
  readonly paidAt: Instant | null
  readonly attempt: PaymentAttempt | null
}

/** An add-on as bought: in force in `[from, until)` while access holds. */
export interface BoughtAddOn {
  readonly key: string
  readonly quantity: number
  readonly from: Instant
  readonly until: Instant
}

/** What billing states to be in force: the whole subscription after a change. */
export interface Subscription {
  readonly subscriptionId: string
  readonly status: SubscriptionStatus
  readonly plan: string
  /** Pins the plan's version: versions reaching only new ones count from here on. */
  readonly planSince: Instant
  readonly seats: number
  /** 0 for a trial. */
  readonly termMonths: number
  /** Never tested for access: what is paid is in force at once. */
  readonly periodStart: Instant
  readonly periodEnd: Instant
  /** Day of the month on which flow windows begin, 1–31. */
  readonly anchorDay: number
  readonly autoRenew: boolean
  readonly cancelAtPeriodEnd: boolean
  /** ISO 3166 alpha-2 code. */
  readonly country: string
  readonly currency: string
  readonly paymentMethod: string | null
  readonly addOns: readonly BoughtAddOn[]
}

/** One version of a workspace's subscription, as billing sent it (api.md, `SubscriptionEvent`). */
export interface SubscriptionEvent {
  readonly id: string
  readonly workspace: string
  /** Rises by the workspace; the state is the fold of the versions in this order. */
  readonly version: number
  readonly occurredAt: Instant
  /** One of `subscriptionEventTypes`, or something newer. */
  readonly type: string
  readonly actor: Actor
  readonly subscription: Subscription
  readonly order: Order | null
}

/** What access rests on: nothing that was ever granted, a trial, or a payment. */
export const accessBases = ['none', 'trial', 'paid'] as const
export type AccessBasis = (typeof accessBases)[number]

/** An order that waits for its payment. */
export interface OpenOrder {
  readonly orderId: string
  readonly kind: OrderKind
  readonly placedAt: Instant
  /** When each attempt known so far was begun, ascending; whatever became of it. */
  readonly attemptsAt: readonly Instant[]
}

/** The subscription in force: what the fold of the versions accepted. Plain data, safe as JSON. */
export interface AcceptedSubscription extends Subscription {
  readonly workspace: string
  /** The newest version that was applied, wholly or in part. */
  readonly version: number
  /** When that version happened. */
  readonly occurredAt: Instant
  readonly basis: AccessBasis
  /** Start of the current unbroken run of paid access; null before the first payment. */
  readonly paidSince: Instant | null
  /** status `canceled`: when it ended; null otherwise. */
  readonly endedAt: Instant | null
  /** Exact start of the first flow window of this run; null = windows follow the anchor alone. */
  readonly windowStartsAt: Instant | null
  /** Version that started that window (`<workspace>~<version>~w`); null when `windowStartsAt` is. */
  readonly windowVersion: number | null
  /** Newest first. Refused and overtaken orders are not among them. */
  readonly openOrders: readonly OpenOrder[]
}

/** Something that a version states and that was not applied: a dead letter. */
export interface Refusal {
  readonly version: number
  readonly eventId: string
  readonly code: DeadLetterCode
  /** What was refused: `event` (all of it), `plan`, `seats`, `periodEnd`, `status`, `order`, `addOns.<key>`. */
  readonly field: string
  /** What is wrong, which ids, what to do. */
  readonly reason: string
}

/** An order of the workspace's history (S10), as the last version that carried it left it. */
export interface OrderEntry extends Omit<Order, 'attempt'> {
  /** Subscription that it was for. */
  readonly subscriptionId: string
  /** Every attempt known, oldest first. */
  readonly attempts: readonly PaymentAttempt[]
  /** Set when the order may not be paid like this (S7): it pays for nothing. */
  readonly refused: 'payment_not_allowed' | null
  /** Version that carried it last, and when that happened. */
  readonly version: number
  readonly occurredAt: Instant
}

/** What one version came to. */
export interface VersionEntry {
  readonly version: number
  readonly eventId: string
  readonly type: string
  readonly actor: Actor
  readonly occurredAt: Instant
  readonly refusals: readonly Refusal[]
  /** Sentences on what looks wrong and was applied all the same. */
  readonly flags: readonly string[]
  /** What was in force after it. */
  readonly accepted: AcceptedSubscription | null
}

/** The fold of a workspace's versions. */
export interface SubscriptionState {
  readonly subscription: AcceptedSubscription | null
  /** Whether the workspace has had its trial. */
  readonly hadTrial: boolean
  /** Newest first (S10). */
  readonly orders: readonly OrderEntry[]
  /** Oldest version first. */
  readonly history: readonly VersionEntry[]
}

/** The state of a workspace that billing has never named. */
export const NO_SUBSCRIPTION: SubscriptionState = {
  subscription: null,
  hadTrial: false,
  orders: [],
  history: [],
}
