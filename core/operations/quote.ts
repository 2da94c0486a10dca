import { AMOUNT_MAX } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { WorkspaceFacts } from '../entitlement/facts.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import type { PaymentWay } from '../quote/payment-way.ts'
import type { QuoteLine } from '../quote/price-line.ts'
import { priceSale } from '../quote/price-sale.ts'
import { notForSale, type QuoteWish, saleOf } from '../quote/sale.ts'
import type { AcceptedSubscription } from '../subscription/subscription.ts'
import { type ReadDeps, readWorkspace } from './read-workspace.ts'

/** What a change would cost, and what would be in force with it. */
export interface Quote {
  readonly payment: PaymentWay
  readonly lines: readonly QuoteLine[]
  /** Minor units of the payment's currency. */
  readonly totalMinor: number
  /** The subscription that would be in force. */
  readonly subscription: AcceptedSubscription
  /** Every feature as it would be in force at `at`, overrides included. */
  readonly limits: readonly Entitlement[]
  readonly catalogueRevision: number
  /** When the change would be made. */
  readonly at: Instant
}

/** A workspace, its wish, and when it would buy; null = now. */
export interface QuoteInput {
  readonly workspace: string
  readonly wish: QuoteWish
  readonly at: Instant | null
}

/**
 * Quotes a purchase, a renewal or a change inside the term; nothing is bought and nothing is stored.
 *
 * Throws `not_found` for a workspace without a subscription (nothing says where it pays from), `not_for_sale` for
 * what could not be bought without support, `unavailable` when its facts cannot be had.
 */
export async function quote(deps: ReadDeps, { workspace, wish, at }: QuoteInput): Promise<Quote> {
  const known = await readWorkspace(deps, { workspace, features: () => [] })
  if (!known.known) {
    throw new TallygateError('unavailable', `the facts of ${workspace} cannot be had; try again`, {
      workspace,
    })
  }
  const { catalogue, facts, reading } = known
  return quoteFrom({ catalogue, facts, workspace, wish, at: at ?? reading.now })
}

/** What a quote is made from. */
export interface QuoteFacts {
  readonly catalogue: Catalogue
  readonly facts: WorkspaceFacts
  readonly workspace: string
  readonly wish: QuoteWish
  readonly at: Instant
}

/** The pure part of `quote`: the same facts, catalogue, wish and instant always give the same quote. */
export function quoteFrom({ catalogue, facts, workspace, wish, at }: QuoteFacts): Quote {
  const before = facts.subscription
  if (before === null)
    throw new TallygateError('not_found', `no workspace "${workspace}" is known to this key`)
  const sale = saleOf({ catalogue, subscription: before, wish, at })
  const { lines, subscription } = priceSale({ catalogue, subscription: before, sale, at })
  const totalMinor = lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
  if (totalMinor > AMOUNT_MAX) throw notForSale('seats', 'the total is larger than can be stated exactly')
  const changed = { ...facts, subscription }
  const limits = Object.keys(catalogue.features).map((featureKey) =>
    resolveEntitlement({ catalogue, facts: changed, workspace, featureKey, now: at }),
  )
  return {
    payment: sale.payment,
    lines,
    totalMinor,
    subscription,
    limits,
    catalogueRevision: catalogue.revision,
    at,
  }
}
