import type { Committed, Reserved } from './answers.ts'
import { type FailureFacts, TallygateClientError } from './client-error.ts'
import type { Decision } from './decision.ts'
import type { CallOptions, CommitRequest, ReservationName, ReserveRequest } from './requests.ts'

/** The calls of a client that a reservation goes through. */
export interface ReservationCalls<Feature extends string> {
  readonly reserve: (request: ReserveRequest<Feature>, options?: CallOptions) => Promise<Reserved<Feature>>
  readonly commit: (request: CommitRequest, options?: CallOptions) => Promise<Committed>
  readonly release: (name: ReservationName, options?: CallOptions) => Promise<void>
}

/** What the work is told of its reservation. */
export interface Held<Feature extends string = string> {
  readonly id: string
  /** Units of each item that may be used. */
  readonly granted: readonly number[]
  readonly decisions: readonly Decision<Feature>[]
  /** Whether units are set aside; false when the use was allowed by policy alone. */
  readonly held: boolean
  /**
   * Aborted when the time of the reservation is over: what is used from then on may be more than there is. A reservation
   * cannot be extended; ask for a longer `ttlMs`.
   */
  readonly signal: AbortSignal
  /** States what was used of each item, when that is less than was granted. */
  readonly use: (quantities: readonly number[]) => void
}

/** What came of work under a reservation. A denial is an answer: the work was not begun. */
export type ReservedWork<Value, Feature extends string = string> =
  | { readonly allowed: false; readonly decisions: readonly Decision<Feature>[] }
  | {
      readonly allowed: true
      readonly decisions: readonly Decision<Feature>[]
      /** What the work returned. */
      readonly value: Value
      /** What was counted; null when nothing was held: the use is counted by your own event. */
      readonly committed: Committed | null
    }

/**
 * The work was done and its use is not known to be counted; `value` is what the work returned.
 *
 * `code` says why. `expired`: the work took longer than `ttlMs`, or the hold was lost; send the event of the use itself: it
 * counts, and may exceed the limit. `already_resolved`: somebody else committed or released it, or an event that names it
 * came first; what they counted stays, so look at it before you send anything. When `isUnavailability`, commit again with
 * the same quantities: it counts once.
 */
export class UncommittedUseError extends TallygateClientError {
  override readonly name: string = 'UncommittedUseError'
  readonly value: unknown
  /** What was to be counted of each item; null = all that was granted. */
  readonly quantities: readonly number[] | null

  constructor(facts: FailureFacts, done: Pick<UncommittedUseError, 'value' | 'quantities'>) {
    super(facts)
    this.value = done.value
    this.quantities = done.quantities
  }
}

const TTL_DEFAULT_MS = 60_000

/**
 * Reserves, does the work, and commits what it used; when the work throws, releases and throws the same.
 *
 * Throws what reserving throws, `expired` for an id whose reservation is over (the work is not begun), what the work
 * throws, and an UncommittedUseError when the work is done and cannot be counted. Work that takes longer than the
 * reservation is not cut off: `signal` tells it, and the commit says `expired`.
 */
export async function withReservation<Value, Feature extends string>(
  calls: ReservationCalls<Feature>,
  request: ReserveRequest<Feature>,
  work: (held: Held<Feature>) => Promise<Value> | Value,
  options?: CallOptions,
): Promise<ReservedWork<Value, Feature>> {
  const { workspace, ttlMs = TTL_DEFAULT_MS } = request
  const askedAt = performance.now()
  const reserved = await calls.reserve({ ...request, ttlMs }, options)
  const { allowed, held, decisions, id, granted } = reserved
  if (!allowed) return { allowed, decisions }
  if (isOver(reserved)) throw overBefore(workspace, id)
  const over = new AbortController()
  const leftMs = leftOf(reserved, ttlMs - (performance.now() - askedAt))
  const timer = setTimeout(() => over.abort(outlived(workspace, id, ttlMs)), leftMs)
  let quantities: readonly number[] | null = null
  const use = (used: readonly number[]): void => {
    quantities = [...used]
  }
  let value: Value
  try {
    value = await work({ id, granted, decisions, held, signal: over.signal, use })
  } catch (error) {
    if (held) await giveBack(calls, { workspace, id })
    throw error
  } finally {
    clearTimeout(timer)
  }
  const done = { workspace, id, value, quantities }
  return { allowed, decisions, value, committed: held ? await commitDone(calls, done, options) : null }
}

type Answered = Pick<Reserved, 'held' | 'replayed' | 'remainingMs'>

/** An answer of before: what it held was given back, committed, or its time has passed. */
function isOver({ held, replayed }: Answered): boolean {
  return !held && replayed
}

/** A reservation that was made before has less time than it was given. */
function leftOf({ replayed, remainingMs }: Answered, ttlLeftMs: number): number {
  return replayed && remainingMs !== null ? Math.min(ttlLeftMs, remainingMs) : ttlLeftMs
}

interface Done extends ReservationName {
  readonly value: unknown
  readonly quantities: readonly number[] | null
}

async function commitDone<Feature extends string>(
  { commit }: ReservationCalls<Feature>,
  { workspace, id, value, quantities }: Done,
  options: CallOptions | undefined,
): Promise<Committed> {
  try {
    return await commit({ workspace, id, ...(quantities === null ? {} : { quantities }) }, options)
  } catch (cause) {
    const failure = cause instanceof TallygateClientError ? cause : null
    const message = `the work under reservation ${id} of ${workspace} is done and not known to be counted: ${String(cause)}`
    throw new UncommittedUseError(
      { ...(failure ?? { code: 'internal', workspace, operation: id }), message, cause },
      { value, quantities },
    )
  }
}

/** One attempt: what cannot be given back now is given back by the end of its time. */
async function giveBack<Feature extends string>(
  { release }: ReservationCalls<Feature>,
  name: ReservationName,
): Promise<void> {
  await release(name, { patienceMs: 1_000 }).catch(() => undefined)
}

function overBefore(workspace: string, operation: string): TallygateClientError {
  const message = `the reservation ${operation} of ${workspace} was made before and holds nothing any more; give another id to begin again`
  return new TallygateClientError({ code: 'expired', message, workspace, operation })
}

function outlived(workspace: string, operation: string, ttlMs: number): TallygateClientError {
  const message = `the reservation ${operation} of ${workspace} has ended after its ${ttlMs} ms; ask for a longer ttlMs`
  return new TallygateClientError({ code: 'expired', message, workspace, operation })
}
