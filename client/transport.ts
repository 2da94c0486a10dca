import { pauseAfter, readRetryAfter } from './backoff.ts'
import { type FailureFacts, TallygateClientError } from './client-error.ts'
import type { CallOptions } from './requests.ts'
import { requireTimes } from './settings.ts'

/** What is read of an answer; every platform's own `fetch` gives more. */
export interface FetchedAnswer {
  readonly ok: boolean
  readonly status: number
  readonly headers: { get(name: string): string | null }
  text(): Promise<string>
}

/** The JSON object that was answered, and the service's clock by the header of the answer; null without one. */
export interface Answer {
  readonly body: object
  readonly date: string | null
}

/** How a request is sent; the platform's own `fetch` unless another is given. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Record<string, string>
    readonly body?: string
    readonly redirect: 'manual'
    readonly signal: AbortSignal
  },
) => Promise<FetchedAnswer>

interface TransportOptions {
  readonly url: string
  readonly key: string
  readonly timeoutMs: number
  readonly patienceMs: number
  readonly traceHeaders: () => Readonly<Record<string, string>> | null
  readonly fetch: Fetch
}

/** One call of the service. */
export interface Call {
  readonly path: string
  /** Sent as JSON by POST; without it the call is a GET. */
  readonly body?: object
  readonly workspace: string
  /** Id of what the call changes; null when it only reads. */
  readonly operation: string | null
  readonly options: CallOptions
}

/** What each attempt of a call sends; no text for a GET. */
interface Sent {
  readonly text: string | null
  readonly traced: Readonly<Record<string, string>> | null
  readonly timeoutMs: number
}

type Attempt =
  | { readonly ok: true; readonly answer: Answer }
  | {
      readonly ok: false
      readonly facts: FailureFacts
      /** Whether the same call may succeed later. */
      readonly retry: boolean
      readonly retryAfterMs: number | null
      /** Whether nothing can have come of it: a 503 is also said of what Redis was asked to do and did not answer. */
      readonly isWithoutEffect: boolean
    }

/** Answers of a gateway that does not reach the service, beside the service's own 429 and 503. */
const gatewayCodes: ReadonlySet<number> = new Set([502, 504])

/** The longest that a timer waits, ms: one that is set for longer ends at once. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** An attempt that has less time is not begun, ms. */
const ATTEMPT_MIN_MS = 5

/**
 * Sends calls, and the same call again while that can help: no connection, no answer in time, 429, 503, or a gateway
 * that says so (502, 504). Every other answer is final. A call that changes something carries its id in the body, so that
 * all attempts count once.
 */
export class Transport {
  readonly #options: TransportOptions

  constructor(options: TransportOptions) {
    this.#options = options
  }

  /**
   * What was answered. Throws a TallygateClientError when nothing is within the patience, and at once what is thrown of
   * times that are none, of a body that is no JSON or by `traceHeaders`: that is no fault of the service, and no policy for
   * its absence answers it.
   */
  async call(call: Call): Promise<Answer> {
    const { patienceMs = this.#options.patienceMs, timeoutMs = this.#options.timeoutMs } = call.options
    requireTimes({ timeoutMs, patienceMs })
    const deadline = performance.now() + patienceMs
    const text = call.body === undefined ? null : JSON.stringify(call.body)
    const sent = { text, traced: this.#options.traceHeaders(), timeoutMs }
    let mayHaveHappened = false
    for (let attempts = 1; ; attempts += 1) {
      const attempt = await this.#attempt(call, sent, deadline - performance.now())
      if (attempt.ok) return attempt.answer
      mayHaveHappened ||= call.operation !== null && !attempt.isWithoutEffect
      const pauseMs = pauseAfter({ attempts, retryAfterMs: attempt.retryAfterMs }, Math.random())
      const isAgain = attempt.retry && (await pauseWithin(pauseMs, deadline))
      if (!isAgain) throw failureOf(call, { ...attempt.facts, attempts, mayHaveHappened })
    }
  }

  async #attempt(call: Call, { text, traced, ...sent }: Sent, leftMs: number): Promise<Attempt> {
    const { url, key, fetch } = this.#options
    const timeoutMs = Math.min(sent.timeoutMs, leftMs, TIMER_MAX_MS)
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), timeoutMs)
    try {
      const answer = await fetch(`${url}${call.path}`, {
        headers: { ...traced, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        redirect: 'manual',
        signal: late.signal,
        ...(text === null ? { method: 'GET' } : { method: 'POST', body: text }),
      })
      return readAnswer(answer, await answer.text())
    } catch (cause) {
      const isLate = late.signal.aborted
      const message = isLate ? `no answer within ${Math.ceil(timeoutMs)} ms` : `${url} cannot be reached`
      const facts = { code: isLate ? 'timeout' : 'network', message, cause }
      return { ok: false, facts, retry: true, retryAfterMs: null, isWithoutEffect: false }
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Waits, if that leaves time for an attempt; one that has none would only hide the failure of the last. */
async function pauseWithin(pauseMs: number, deadline: number): Promise<boolean> {
  const leftMs = (): number => deadline - performance.now()
  if (leftMs() - pauseMs < ATTEMPT_MIN_MS) return false
  await new Promise((resolve) => setTimeout(resolve, pauseMs))
  return leftMs() >= ATTEMPT_MIN_MS
}

function readAnswer(answer: FetchedAnswer, text: string): Attempt {
  const { ok, status, headers } = answer
  const body = parse(text)
  if (ok && body !== null) return { ok: true, answer: { body, date: headers.get('date') } }
  const { code, detail, request, type: _, title: __, status: ___, ...details } = body ?? {}
  const named = typeof code === 'string' ? code : codeOf(status)
  const message = typeof detail === 'string' ? detail : `answered ${status} without saying why`
  const requestId = typeof request === 'string' ? request : null
  return {
    ok: false,
    facts: { code: named, message, status, requestId, details },
    retry: status === 429 || status === 503 || gatewayCodes.has(status),
    retryAfterMs: readRetryAfter(headers.get('retry-after'), Date.now()),
    isWithoutEffect: !ok && status < 500,
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? { ...body } : null
  } catch {
    return null
  }
}

/** The code of an answer that states none: it is not the service that answered. */
function codeOf(status: number): string {
  if (status === 503 || gatewayCodes.has(status)) return 'unavailable'
  return status === 429 ? 'overloaded' : 'unexpected_answer'
}

function failureOf({ workspace, operation, path }: Call, facts: FailureFacts): TallygateClientError {
  const tries = facts.attempts === 1 ? '' : ` (${facts.attempts} attempts)`
  const what = operation === null ? `${path} of ${workspace}` : `${operation} of ${workspace}`
  const advice =
    facts.mayHaveHappened === true ? '; it may have taken effect: call again with the same id' : ''
  const message = `${what}: ${facts.code}: ${facts.message}${tries}${advice}`
  return new TallygateClientError({ ...facts, message, workspace, operation })
}
