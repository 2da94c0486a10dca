/** Codes of a dead letter (api.md): why a record was set aside and not counted or applied. */
export const deadLetterCodes = [
  'undecodable',
  'unknown_schema',
  'foreign_subject',
  'invalid_field',
  'quantity_out_of_range',
  'too_late',
  'from_the_future',
  'unknown_meter',
  'term_too_short',
  'second_subscription',
  'downgrade_needs_support',
  'seats_need_support',
  'term_shortened',
  'payment_not_allowed',
  'refund_needs_support',
  'trial_repeated',
  'unknown_plan',
  'unknown_add_on',
  'unknown_function',
  'version_conflict',
  'too_large',
] as const

export type DeadLetterCode = (typeof deadLetterCodes)[number]

/** Why a record is set aside that the code fails on, whatever engines say: it would stop its partition for good. */
export function reasonOfFault(error: unknown): string {
  return `reading it failed, which is a fault of this version: ${String(error)}; report it, and redrive once it is mended`
}

/**
 * Every failure the system can name: its HTTP status, whether the same call may be tried again, and the
 * sentence a caller reads. Denial is not here: it is a `Decision`.
 */
const table = {
  invalid_request: { status: 400, retry: false, title: 'The request does not have the documented shape.' },
  unauthenticated: { status: 401, retry: false, title: 'A valid key is needed.' },
  forbidden: { status: 403, retry: false, title: 'The key lacks the scope this route needs.' },
  not_found: { status: 404, retry: false, title: 'There is nothing here for this key.' },
  idempotency_conflict: { status: 409, retry: false, title: 'The id was used before with another body.' },
  already_resolved: { status: 409, retry: false, title: 'The reservation was resolved before.' },
  expired: { status: 409, retry: false, title: 'The reservation has expired.' },
  revision_conflict: { status: 409, retry: false, title: 'The catalogue has a newer revision.' },
  too_large: { status: 413, retry: false, title: 'The request is larger than allowed.' },
  unsupported_media_type: { status: 415, retry: false, title: 'Only application/json is read.' },
  stale_operation: { status: 422, retry: false, title: 'The operation is dated too long ago, or ahead.' },
  unknown_feature: { status: 422, retry: false, title: 'The catalogue has no such feature.' },
  not_for_sale: { status: 422, retry: false, title: 'This cannot be bought like this.' },
  invalid_catalogue: { status: 422, retry: false, title: 'The catalogue breaks its own rules.' },
  overloaded: { status: 429, retry: true, title: 'More requests than can be served now.' },
  internal: { status: 500, retry: false, title: 'Something is broken on our side.' },
  unknown: { status: 503, retry: true, title: 'The outcome is not known; retry with the same id.' },
  unavailable: { status: 503, retry: true, title: 'A part this answer needs is not reachable.' },
  invalid_config: { status: 500, retry: false, title: 'The configuration is not usable.' },
} as const satisfies Record<string, { status: number; retry: boolean; title: string }>

/** Code of a failure, as callers see it. */
export type ErrorCode = keyof typeof table

/** Every code there is. */
export const errorCodes = Object.keys(table) as readonly ErrorCode[]

/** The one class of named failures; anything else that is thrown is a bug. */
export class TallygateError extends Error {
  override readonly name = 'TallygateError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }

  /** HTTP status of this failure. */
  get status(): number {
    return table[this.code].status
  }

  /** Whether the same call may succeed later. */
  get retry(): boolean {
    return table[this.code].retry
  }

  /** The sentence that describes the kind of failure, the same for every occurrence. */
  get title(): string {
    return table[this.code].title
  }
}
