import type { Fetch } from './transport.ts'
import { onUnavailableWords, type UnavailablePolicy } from './unavailable.ts'

/** How a client reaches the service, and what it does when it cannot. */
export interface ClientOptions<Feature extends string = string> {
  /** Where the API is, without `/v1`. */
  readonly url: string
  /** A key with the scopes of the calls that are made: `check`, `consume`. Keep it out of browsers: it is a secret. */
  readonly key: string
  /** Of one attempt, ms; 5,000 when left out. */
  readonly timeoutMs?: number
  /** Of all attempts of a call and the pauses between them, ms; 15,000 when left out. */
  readonly patienceMs?: number
  /** How old a remembered answer of a check may be, ms, at most 10,000; 0, when left out, asks each time. */
  readonly cacheMs?: number
  /** What is answered when the service cannot be asked; `throw` when left out. */
  readonly onUnavailable?: UnavailablePolicy<Feature>
  /** Headers of the trace under way (`traceparent`, `tracestate`), so that it goes on in the service; null for none. */
  readonly traceHeaders?: () => Readonly<Record<string, string>> | null
  /** Sends requests in place of the platform's `fetch`. */
  readonly fetch?: Fetch
}

/** The options with everything that was left out. */
export type Settings<Feature extends string> = Required<ClientOptions<Feature>>

const CACHE_MS_MAX = 10_000
const PATIENCE_MS_MAX = 3_600_000

/** Completes options. Throws a RangeError that names the one that cannot be used. */
export function settingsOf<Feature extends string>(options: ClientOptions<Feature>): Settings<Feature> {
  const { timeoutMs = 5_000, patienceMs = 15_000, cacheMs = 0, onUnavailable = 'throw' } = options
  const url = requireText(options.url, /^https?:\/\/[^/]/, 'url: begin it with http:// or https://')
  requireAddress(url)
  const key = requireText(options.key, /^[\x21-\x7e]+$/, 'key: give a key as tallygate key create printed it')
  requirePolicy(onUnavailable)
  requireMs('timeoutMs', timeoutMs, { min: 1, max: PATIENCE_MS_MAX })
  requireMs('patienceMs', patienceMs, { min: 1, max: PATIENCE_MS_MAX })
  requireMs('cacheMs', cacheMs, { min: 0, max: CACHE_MS_MAX })
  const fetch: Fetch = options.fetch ?? ((address, init) => globalThis.fetch(address, init))
  const { traceHeaders = () => null } = options
  return {
    url: url.replace(/\/+$/, ''),
    key,
    timeoutMs,
    patienceMs,
    cacheMs,
    onUnavailable,
    traceHeaders,
    fetch,
  }
}

/**
 * Throws a RangeError for times of one call that are none: waiting for NaN would end at once, as if nobody had answered.
 * What is left of a deadline may be a fraction, or less than nothing.
 */
export function requireTimes(times: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(times))
    if (typeof value !== 'number' || Number.isNaN(value))
      throw new RangeError(
        `${name}: give milliseconds, not ${typeof value === 'number' ? value : typeof value}`,
      )
}

/** Options come from JavaScript and from environments, too: what a type says they are is no proof. */
function requireText(value: unknown, pattern: RegExp, advice: string): string {
  if (typeof value === 'string' && pattern.test(value)) return value
  throw new RangeError(`${advice}${typeof value === 'string' ? '' : `, not ${typeof value}`}`)
}

/** `fetch` refuses an address with a login each time it is asked, as if nobody was there; and errors name the address. */
function requireAddress(url: string): void {
  if (!URL.canParse(url)) throw new RangeError('url: give an address, such as https://tallygate.example')
  const { username, password } = new URL(url)
  if (username !== '' || password !== '')
    throw new RangeError('url: leave user and password out; the key says who asks')
  if (/[?#]/.test(url)) throw new RangeError('url: end it with the path; no ? and no #')
}

function requirePolicy(policy: unknown): void {
  if (typeof policy === 'object' && policy !== null && !Array.isArray(policy)) {
    for (const [feature, word] of Object.entries(policy))
      if (word !== undefined) requireWord(`onUnavailable.${feature}`, word)
    return
  }
  requireWord('onUnavailable', policy)
}

function requireWord(name: string, word: unknown): void {
  if (onUnavailableWords.some((known) => known === word)) return
  throw new RangeError(`${name}: give ${onUnavailableWords.join(', ')}, not ${String(word)}`)
}

interface Bounds {
  readonly min: number
  readonly max: number
}

function requireMs(name: string, value: number, { min, max }: Bounds): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new RangeError(`${name}: give whole milliseconds from ${min} to ${max}, not ${value}`)
}
