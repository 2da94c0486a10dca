/** Codes that this client gives itself; all others are the service's (`docs/openapi.json`, `code`). */
export const ownCodes = ['network', 'timeout', 'unexpected_answer'] as const
export type OwnCode = (typeof ownCodes)[number]

/** Codes of the service that a caller of this client can meet; a newer service may know more. */
export const serviceCodes = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'idempotency_conflict',
  'already_resolved',
  'expired',
  'too_large',
  'unsupported_media_type',
  'stale_operation',
  'unknown_feature',
  'overloaded',
  'internal',
  'unknown',
  'unavailable',
] as const
export type ServiceCode = (typeof serviceCodes)[number]

/** Code of a failure. The bare string keeps code that matches on a newer service's codes compiling. */
export type ClientErrorCode = OwnCode | ServiceCode | (string & {})

/** Codes that say that nobody could be asked in time: what `onUnavailable` answers for. */
const unavailable: ReadonlySet<string> = new Set([
  'network',
  'timeout',
  'overloaded',
  'unknown',
  'unavailable',
])

/** What a failure is made of. */
export interface FailureFacts {
  readonly code: ClientErrorCode
  readonly message: string
  readonly status?: number | null
  readonly workspace?: string | null
  readonly operation?: string | null
  readonly requestId?: string | null
  readonly attempts?: number
  readonly mayHaveHappened?: boolean
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** A call that got no answer to use. Never a denial: that is a `Decision`. Match on `code`, not on the message. */
export class TallygateClientError extends Error {
  override readonly name: string = 'TallygateClientError'
  readonly code: ClientErrorCode
  /** HTTP status; null when no answer came. */
  readonly status: number | null
  readonly workspace: string | null
  /** Id of the operation, reservation or event; null for reads. */
  readonly operation: string | null
  /** The service's name for the request, to look for in its logs; null when no answer came. */
  readonly requestId: string | null
  /** How often it was tried. */
  readonly attempts: number
  /** Whether it may have had its effect all the same. The same call with the same id finds out and never counts twice. */
  readonly mayHaveHappened: boolean
  /** What else the service said: `field`, `scope`, `known`, … */
  readonly details: Readonly<Record<string, unknown>>

  constructor(facts: FailureFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = facts.code
    this.status = facts.status ?? null
    this.workspace = facts.workspace ?? null
    this.operation = facts.operation ?? null
    this.requestId = facts.requestId ?? null
    this.attempts = facts.attempts ?? 0
    this.mayHaveHappened = facts.mayHaveHappened ?? false
    this.details = facts.details ?? {}
  }

  /** Whether the service could not be asked, as opposed to having refused the call. */
  get isUnavailability(): boolean {
    return unavailable.has(this.code)
  }
}
