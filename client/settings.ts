import type { Fetch } from './transport.ts'
import type { UnavailablePolicy } from './unavailable.ts'

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
  const { key, timeoutMs = 5_000, patienceMs = 15_000, cacheMs = 0, onUnavailable = 'throw' } = options
  const url = options.url.replace(/\/+$/, '')
  if (!/^https?:\/\/[^/]/.test(url)) throw new RangeError('url: begin it with http:// or https://')
  if (!/^[\x21-\x7e]+$/.test(key)) throw new RangeError('key: give a key as tallygate key create printed it')
  requireMs('timeoutMs', timeoutMs, { min: 1, max: PATIENCE_MS_MAX })
  requireMs('patienceMs', patienceMs, { min: 1, max: PATIENCE_MS_MAX })
  requireMs('cacheMs', cacheMs, { min: 0, max: CACHE_MS_MAX })
  const fetch: Fetch = options.fetch ?? ((address, init) => globalThis.fetch(address, init))
  const { traceHeaders = () => null } = options
  return { url, key, timeoutMs, patienceMs, cacheMs, onUnavailable, traceHeaders, fetch }
}

interface Bounds {
  readonly min: number
  readonly max: number
}

function requireMs(name: string, value: number, { min, max }: Bounds): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new RangeError(`${name}: give whole milliseconds from ${min} to ${max}, not ${value}`)
}
