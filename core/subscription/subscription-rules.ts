import type { PaymentRule } from '../catalogue/payment-terms.ts'

/** What telling access apart needs of a catalogue. */
export interface AccessRules {
  /** How long a payment may take to show (S1). */
  readonly processingWindowMinutes: number
}

/** What the fold of subscription versions needs of a catalogue; a `Catalogue` has all of it. */
export interface SubscriptionRules extends AccessRules {
  /** Going to a plan of lower rank is a downgrade. */
  readonly plans: Readonly<Record<string, { readonly rank: number }>>
  readonly addOns: Readonly<Record<string, { readonly minMonths: number }>>
  /** A term shorter than the shortest of these is refused (S3). */
  readonly terms: readonly { readonly months: number }[]
  readonly payments: readonly PaymentRule[]
}
