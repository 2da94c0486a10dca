/** Which hold an event settles: an item of an operation, or by the operation alone the first that fits. */
export interface ReservationReference {
  readonly operation: string
  readonly item: number | null
}

const OPERATION = /^[A-Za-z0-9._:-]{1,100}$/
const REFERENCE = /^([A-Za-z0-9._:-]{1,100})(?:~(\d{1,3}))?$/
const EVENT_ID = /^c~[A-Za-z0-9._:-]{1,100}~\d{1,3}$/

/** Whether a text is an id of an operation: 1–100 of `A-Za-z0-9._:-`. */
export function isOperationId(text: unknown): text is string {
  return typeof text === 'string' && OPERATION.test(text)
}

/** What the `reservation` of an event refers to; null for none, and for what no operation can be called. */
export function parseReservation(text: unknown): ReservationReference | null {
  const [, operation, item] = typeof text === 'string' ? (REFERENCE.exec(text) ?? []) : []
  if (operation === undefined) return null
  return { operation, item: item === undefined ? null : Number(item) }
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
