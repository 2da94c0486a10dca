import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { WorkspaceFacts } from '#core/entitlement/facts.ts'

/** Facts as Redis keeps them, and when MongoDB said them, ms. */
export interface KeptFacts {
  readonly facts: WorkspaceFacts
  readonly readAt: number
}

/** First byte of what is packed with the words below; other words need another number. */
const FORMAT = 1

/**
 * What nearly all facts have in common, so that what is packed holds the rest alone: a subscription takes 100 bytes
 * instead of 480. Never to be changed: what was packed with it could not be read any more.
 */
const WORDS = Buffer.from(
  [
    '"limit":"reason":"until":"since":"code":"kind":"key":"quantity":"paidAt":"price":"from":',
    '"trialing""past_due""canceled""payment_pending""trial""business""enterprise""pro""INR""EUR""GBP""IN""GB""DE"',
    '{"facts":{"revision":"1.0.0","subscription":{"subscriptionId":"sub_","status":"active","plan":"base",',
    '"planSince":1790000000000,"seats":1,"termMonths":12,"periodStart":1790000000000,"periodEnd":1790000000000,',
    '"anchorDay":1,"autoRenew":true,"cancelAtPeriodEnd":false,"country":"US","currency":"USD",',
    '"paymentMethod":"card","addOns":[],"version":1,"occurredAt":1790000000000,"openOrder":null,',
    '"windowStartsAt":null},"overrides":{},"crossings":{}},"readAt":1790000000000}',
  ].join(''),
)

/** Facts as bytes. */
export function packFacts(kept: KeptFacts): Buffer {
  const packed = deflateRawSync(JSON.stringify(kept), { dictionary: WORDS })
  return Buffer.concat([Buffer.of(FORMAT), packed])
}

/** What was packed; null for bytes that are something else, which is as good as nothing: MongoDB is asked. */
export function unpackFacts(bytes: Buffer): KeptFacts | null {
  if (bytes[0] !== FORMAT) return null
  try {
    return JSON.parse(inflateRawSync(bytes.subarray(1), { dictionary: WORDS }).toString())
  } catch {
    return null
  }
}
