import type { Actor } from '../audit/audit-entry.ts'
import type { Instant } from '../instant.ts'
import type { Feature } from './feature.ts'
import type { MeterDefinition } from './meter.ts'
import type { PaymentRule, Term } from './payment-terms.ts'
import type { Plan } from './plan.ts'
import type { Prices } from './price.ts'

/** An add-on that gives `perUnit` more of a feature for each unit bought, for at least `minMonths` months. */
export interface AddOn {
  readonly feature: string
  readonly perUnit: number
  readonly minMonths: number
  /** Price of one unit; null where it is not sold for money. */
  readonly prices: Prices | null
}

/** The trial that a workspace may have once. */
export interface TrialRule {
  readonly plan: string
  readonly days: number
}

/**
 * Everything that is sold and counted, as data: one revision of it.
 *
 * Its JSON shape is the one of domain.md ("The shape of the catalogue"); `parseCatalogue` makes this from it.
 */
export interface Catalogue {
  /** Revision number, 1 for the first one stored; only rises. */
  readonly revision: number
  readonly processingWindowMinutes: number
  readonly trial: TrialRule
  /** Definitions of each meter, oldest first. */
  readonly meters: Readonly<Record<string, readonly MeterDefinition[]>>
  readonly features: Readonly<Record<string, Feature>>
  readonly plans: Readonly<Record<string, Plan>>
  readonly addOns: Readonly<Record<string, AddOn>>
  /** Shortest first. A term shorter than the first is refused (S3). */
  readonly terms: readonly Term[]
  readonly payments: readonly PaymentRule[]
}

/** One stored revision of the catalogue. */
export interface StoredCatalogue {
  readonly revision: number
  readonly storedAt: Instant
  readonly storedBy: Actor
  /** The JSON as it was given. */
  readonly source: unknown
}
