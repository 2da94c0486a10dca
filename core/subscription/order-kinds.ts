import type { Order } from './subscription.ts'

/** Kinds that pay for going on: an attempt at one of them opens the processing window (S1). */
export const PROLONGING: readonly string[] = ['renewal', 'extension']

/** Whether an order pays for a term, not for something beside it. */
export function isOfTerm({ kind }: Order): boolean {
  return kind === 'purchase' || PROLONGING.includes(kind)
}
