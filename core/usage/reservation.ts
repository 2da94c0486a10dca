import { OWN_SOURCE } from './usage-event.ts'

/** Which hold an event settles: an item of an operation, as our own events say, or by the operation alone the first that fits. */
export interface ReservationReference {
  readonly operation: string
  readonly item: number | null
}

const REFERENCE = /^([A-Za-z0-9._:-]{1,100})(?:~(\d{1,3}))?$/
const EVENT_ID = /^c~[A-Za-z0-9._:-]{1,100}~\d{1,3}$/

/**
 * What the `reservation` of an event refers to; null for none, for what no operation can be called, and for an item that
 * is not named by an event of ours.
 */
export function parseReservation({
  reservation,
  source,
}: {
  readonly reservation: unknown
  readonly source: unknown
}): ReservationReference | null {
  const [, operation, item] = typeof reservation === 'string' ? (REFERENCE.exec(reservation) ?? []) : []
  if (operation === undefined) return null
  if (item === undefined) return { operation, item: null }
  return source === OWN_SOURCE ? { operation, item: Number(item) } : null
}

/** What the event of an item says as its `reservation`. */
export function formatReservation({ operation, item }: { operation: string; item: number }): string {
  return `${operation}~${item}`
}

/** Id of the event that an item of an operation is counted by. */
export function itemEventId({ operation, item }: { operation: string; item: number }): string {
  return `c~${operation}~${item}`
}

/** Whether a text is an id that `itemEventId` makes. */
export function isItemEventId(text: unknown): text is string {
  return typeof text === 'string' && EVENT_ID.test(text)
}
