import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiKey } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import type { ApiMetrics } from '#drivers/metrics.ts'
import { type BucketRate, TokenBuckets } from '#drivers/token-bucket.ts'

/** Why a request was turned away. */
export type ShedCause = 'key' | 'unknown_key' | 'unread' | 'in_flight' | 'loop' | 'waits'

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

/**
 * Answers of one connection that its client may leave unread: they take no place, but memory. Nobody who reads has so many
 * requests on one connection at once.
 */
const UNREAD_MAX = 32

const TOO_MUCH = 'this process has more to do than it can; try again'
const reasons: Readonly<Record<Exclude<ShedCause, 'key' | 'unknown_key' | 'waits'>, string>> = {
  unread: `${UNREAD_MAX} answers of this connection are not read; read them, and send less on one connection`,
  in_flight: TOO_MUCH,
  loop: TOO_MUCH,
}

/**
 * Marks the answer of a request under way. A set of them would be dear: each table that it outgrows leads on to the next,
 * and with one of them every request since then grew old in the heap.
 */
const isUnderWay = Symbol('is under way')
type Answer = ServerResponse & { [isUnderWay]?: boolean }

/** Always answered: whoever runs the processes must see that they live. */
const vital = new Set<string | undefined>(['/healthz', '/readyz'])

/**
 * Turns requests away before their bodies are read, while answering so is still cheap.
 *
 * 503 `unavailable` when this process has too much to do: another may have less. To be registered before the
 * guard of the routes, so that nothing is spent on keys. A request is under way once its body is there, until its answer
 * is made or its client is gone: who sends or reads slowly takes no place.
 */
export function shedLoad(app: FastifyInstance, { inFlightMax, isBehind, onShed }: Capacity): void {
  let underWay = 0
  const unread = new WeakMap<Socket, number>()
  const causeOf = (socket: Socket): keyof typeof reasons | null => {
    if ((unread.get(socket) ?? 0) >= UNREAD_MAX) return 'unread'
    if (underWay >= inFlightMax) return 'in_flight'
    return isBehind() ? 'loop' : null
  }
  const leave = (answer: Answer): void => {
    if (answer[isUnderWay] !== true) return
    answer[isUnderWay] = false
    underWay -= 1
  }
  const refusal = (request: FastifyRequest): Error | undefined => {
    const cause = causeOf(request.raw.socket)
    if (cause === null || vital.has(request.routeOptions.url)) return undefined
    onShed(cause)
    return new TallygateError('unavailable', reasons[cause])
  }
  const enter = ({ socket }: FastifyRequest['raw'], answer: Answer): void => {
    underWay += 1
    answer[isUnderWay] = true
    unread.set(socket, (unread.get(socket) ?? 0) + 1)
    answer.on('close', () => {
      leave(answer)
      unread.set(socket, (unread.get(socket) ?? 1) - 1)
    })
  }
  app.addHook('onRequest', (request, _reply, done) => done(refusal(request)))
  app.addHook('preValidation', (request, { raw }, done) => {
    const refused = refusal(request)
    if (refused === undefined && !raw.destroyed) enter(request.raw, raw)
    done(refused)
  })
  app.addHook('onSend', (_request, { raw }, payload, done) => {
    leave(raw)
    done(null, payload)
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
