/** A length that a subscription is sold for, with its discount (S3, S4). */
export interface Term {
  readonly months: number
  readonly discountPercent: number
}

/** One row of the table of who may pay how (S7). */
export interface PaymentRule {
  /** ISO 3166 alpha-2 codes, or `*` for every country. */
  readonly countries: readonly string[]
  readonly except: readonly string[]
  /** ISO 4217 code, or `*`. */
  readonly currency: string
  readonly methods: readonly string[]
  /** Methods that may be paid in instalments. */
  readonly installments: readonly string[]
  /** Methods for which auto-renew is off unless asked for (S11). */
  readonly autoRenewOff: readonly string[]
  /** Actors who may use this row; null = everyone. */
  readonly actors: readonly string[] | null
}
