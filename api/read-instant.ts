import { TallygateError } from '#core/errors.ts'
import { type Instant, parseInstant } from '#core/instant.ts'

/**
 * The instant that a text states. Throws `invalid_request` for one that has the right form and does not exist, such as
 * a leap second or the 31st of February.
 */
export function readInstant(text: string, field: string): Instant {
  const instant = parseInstant(text)
  if (instant !== null) return instant
  throw new TallygateError('invalid_request', `${field} is not a time that exists`, { field })
}
