import { TallygateError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'

/**
 * The instant that a text states. Throws `invalid_request` for one that has the right form and does not exist, such as
 * a leap second or the 31st of February.
 */
export function readInstant(text: string, field: string): Instant {
  const instant = Date.parse(text)
  if (!Number.isNaN(instant) && !isOtherDay(text, instant)) return instant
  throw new TallygateError('invalid_request', `${field} is not a time that exists`, { field })
}

/** Whether a plain day (`yyyy-mm-dd`) was moved into the next month, as 31 February is. */
function isOtherDay(text: string, instant: Instant): boolean {
  return text.length === 10 && !new Date(instant).toISOString().startsWith(text)
}
