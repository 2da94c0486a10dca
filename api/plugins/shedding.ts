import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiKey } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import type { ApiMetrics } from '#drivers/metrics.ts'
import { type BucketRate, TokenBuckets } from '#drivers/token-bucket.ts'

/** Why a request was turned away. */
export type ShedCause = 'key' | 'unknown_key' | 'in_flight' | 'loop'

/** Hears of each request that is turned away; with the id of the key where one key is why. */
export type OnShed = (cause: ShedCause, key?: string) => void

/** Counts what is turned away, in a metric and in a line of the log now and then. */
export function shedCounter(
  counter: ApiMetrics['shed'],
  turnedAway: { readonly note: (what: string) => void },
): OnShed {
  return (cause, key) => {
    counter.inc({ cause })
    turnedAway.note(key === undefined ? cause : `${cause} ${key}`)
  }
}

/** How much one process takes on. */
export interface Capacity {
  /** Requests under way at once. */
  readonly inFlightMax: number
  /** Requests of one key; counted in each process by itself. */
  readonly keyRate: BucketRate
  /** Whether this process is late already. */
  readonly isBehind: () => boolean
  readonly onShed: OnShed
}

/** Always answered: whoever runs the processes must see that they live. */
const vital = new Set<string | undefined>(['/healthz', '/readyz'])

/**
 * Turns requests away before their bodies are read, while answering so is still cheap.
 *
 * 503 `unavailable` when this process has too much to do: another may have less. To be registered before the
 * guard of the routes, so that nothing is spent on keys. A request is under way once its body is there, so that
 * slow clients take no place, until its answer is out or its client is gone.
 */
export function shedLoad(app: FastifyInstance, { inFlightMax, isBehind, onShed }: Capacity): void {
  let inFlight = 0
  const leave = (): void => {
    inFlight -= 1
  }
  const refusal = (request: FastifyRequest): Error | undefined => {
    const cause = inFlight >= inFlightMax ? 'in_flight' : isBehind() ? 'loop' : null
    if (cause === null || vital.has(request.routeOptions.url)) return undefined
    onShed(cause)
    return new TallygateError('unavailable', 'this process has more to do than it can; try again')
  }
  app.addHook('onRequest', (request, _reply, done) => done(refusal(request)))
  app.addHook('preValidation', (request, { raw }, done) => {
    const refused = refusal(request)
    if (refused === undefined && !raw.destroyed) {
      inFlight += 1
      raw.on('close', leave)
    }
    done(refused)
  })
}

/** Turns away what a key asks beyond its rate: 429 `overloaded`. */
export function keyLimit({ keyRate, onShed }: Capacity): (key: ApiKey) => Error | undefined {
  const buckets = new TokenBuckets(keyRate, () => performance.now())
  return ({ id }) => {
    if (buckets.take(id)) return undefined
    onShed('key', id)
    const message = `the key ${id} asks more than ${keyRate.perSecond} times a second; slow down`
    return new TallygateError('overloaded', message)
  }
}
