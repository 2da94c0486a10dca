declare const amount: unique symbol

/** A count of whole meter units, 0 … AMOUNT_MAX. Exact in JavaScript, in Lua and in Avro `long`. */
export type Amount = number & { readonly [amount]: true }

/** Largest amount that avsc, JavaScript and Lua all keep exact (2^53 − 2, avsc's own bound). */
export const AMOUNT_MAX = 9_007_199_254_740_990 as Amount

/** Largest quantity of one event or request (api.md); a larger one is `quantity_out_of_range`. */
export const QUANTITY_MAX = 1_000_000_000

/** No units at all. */
export const ZERO = 0 as Amount

/** Whether a value is a whole number of units within bounds. */
export function isAmount(value: unknown): value is Amount {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= AMOUNT_MAX
}

/** The nearest amount to a signed sum: a level below zero (a delete that came before its create) decides as 0. */
export function clampAmount(value: number): Amount {
  return Math.min(Math.max(value, 0), AMOUNT_MAX) as Amount
}

/** `a - b`, stopping at zero: a remainder is never negative. */
export function minus(a: Amount, b: Amount): Amount {
  return clampAmount(a - b)
}
