import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiKey } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import type { ApiMetrics } from '#drivers/metrics.ts'
import { type BucketRate, TokenBuckets } from '#drivers/token-bucket.ts'
import { Turns } from '#drivers/turns.ts'

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
  /** Items under way at once; a request that lists none is one. */
  readonly inFlightMax: number
  /** Items of one key; counted in each process by itself. */
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
 * The places that a request under way takes, on its answer. A set of them would be dear: each table that it outgrows leads on to
 * the next, and with one of them every request since then grew old in the heap.
 */
const places = Symbol('places')
type Answer = ServerResponse & { [places]?: number }

/** The most that any route takes; a longer list is refused as soon as it is read. */
const ITEMS_MAX = 500

/** How many items are begun in one round of the event loop, some two milliseconds; what lists fewer than a tenth of it does not wait. */
const ITEMS_A_ROUND = 100
const FEW = ITEMS_A_ROUND / 10

/** What a body asks for: as many items or events as it lists, and one at least. What is not read yet is one. */
export function itemsOf(body: unknown): number {
  if (typeof body !== 'object' || body === null) return 1
  const listed = 'items' in body ? body.items : 'events' in body ? body.events : null
  return Array.isArray(listed) ? Math.min(Math.max(listed.length, 1), ITEMS_MAX) : 1
}

/** Always answered: whoever runs the processes must see that they live. */
const vital = new Set<string | undefined>(['/healthz', '/readyz'])

/**
 * Turns requests away before their bodies are read, while answering so is still cheap.
 *
 * 503 `unavailable` when this process has too much to do: another may have less. To be registered before the
 * guard of the routes, so that nothing is spent on keys. A request is under way once its body is there, until its answer
 * is made or its client is gone: who sends or reads slowly takes no place. It takes a place for each item, and the last one in may
 * take more than are left, so that none is too large for a process that has little to do.
 */
export function shedLoad(app: FastifyInstance, { inFlightMax, isBehind, onShed }: Capacity): void {
  let underWay = 0
  const turns = new Turns(ITEMS_A_ROUND)
  const unread = new WeakMap<Socket, number>()
  const causeOf = (socket: Socket): keyof typeof reasons | null => {
    if ((unread.get(socket) ?? 0) >= UNREAD_MAX) return 'unread'
    if (underWay >= inFlightMax) return 'in_flight'
    return isBehind() ? 'loop' : null
  }
  const leave = (answer: Answer): void => {
    underWay -= answer[places] ?? 0
    answer[places] = 0
  }
  const refusal = (request: FastifyRequest): Error | undefined => {
    const cause = causeOf(request.raw.socket)
    if (cause === null || vital.has(request.routeOptions.url)) return undefined
    onShed(cause)
    return new TallygateError('unavailable', reasons[cause])
  }
  const enter = ({ socket }: FastifyRequest['raw'], answer: Answer, taken: number): void => {
    underWay += taken
    answer[places] = taken
    unread.set(socket, (unread.get(socket) ?? 0) + 1)
    answer.on('close', () => {
      leave(answer)
      unread.set(socket, (unread.get(socket) ?? 1) - 1)
    })
  }
  app.addHook('onRequest', (request, _reply, done) => done(refusal(request)))
  app.addHook('preValidation', (request, { raw }, done) => {
    const refused = refusal(request)
    if (refused !== undefined || raw.destroyed) return done(refused)
    const items = itemsOf(request.body)
    enter(request.raw, raw, items)
    if (items < FEW) return done()
    turns.wait(items).then(() => done(), done)
  })
  app.addHook('onSend', (_request, { raw }, payload, done) => {
    leave(raw)
    done(null, payload)
  })
}

/** What a key may ask for; a request beyond that is turned away. */
export interface KeyLimit {
  /** Before the body is read, for the first item of a request. */
  readonly take: (key: ApiKey) => Error | undefined
  /** Once it is read, for all others. */
  readonly charge: (key: ApiKey, items: number) => Error | undefined
}

/** Turns away what a key asks beyond its rate: 429 `overloaded`. */
export function keyLimit({ keyRate, onShed }: Capacity): KeyLimit {
  const buckets = new TokenBuckets(keyRate, () => performance.now())
  const refusal = (id: string): Error => {
    onShed('key', id)
    const message = `the key ${id} asks for more than ${keyRate.perSecond} items a second; slow down`
    return new TallygateError('overloaded', message)
  }
  return {
    take: ({ id }) => (buckets.take(id) ? undefined : refusal(id)),
    charge: ({ id }, items) => (items === 1 || buckets.charge(id, items - 1) ? undefined : refusal(id)),
  }
}
