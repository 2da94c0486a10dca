import type { Admitted, Committed, Consumed, Entitlements, Reserved } from './answers.ts'
import type { Decision, Decisions } from './decision.ts'
import { DecisionCache } from './decision-cache.ts'
import { type Hold, holdOf, NO_HOLD, type ServedHold } from './hold.ts'
import { newId } from './new-id.ts'
import type {
  CallOptions,
  CheckItem,
  CheckRequest,
  ChecksRequest,
  CommitRequest,
  ConsumeRequest,
  ReservationName,
  ReserveRequest,
} from './requests.ts'
import { type ClientOptions, type Settings, settingsOf } from './settings.ts'
import { type Answer, type Call, Transport } from './transport.ts'
import { decideUnavailable } from './unavailable.ts'
import { type Held, type ReservedWork, withReservation } from './with-reservation.ts'

/** A decision as the service states it. */
type Served<Feature extends string> = Omit<Decision<Feature>, 'cachedForMs'>

/** An answer to a wish to use something, as the service states it: consuming has events, reserving a hold. */
interface ServedUse<Feature extends string>
  extends Omit<Admitted<Feature>, 'decisions' | 'id' | 'known'>,
    Omit<ServedHold, 'decisions'> {
  readonly decisions: readonly Served<Feature>[]
  readonly eventIds?: readonly string[]
}

interface Use<Feature extends string> {
  readonly admitted: Admitted<Feature>
  readonly eventIds: readonly string[]
  readonly hold: Hold
}

/**
 * Asks Tallygate: may this workspace do this, and count it.
 *
 * All calls are safe to repeat and are repeated while that can help (`patienceMs`); what changes something goes out under
 * one id. They throw a TallygateClientError when there is no answer; a denial is an answer. `Feature` may name the
 * features of your catalogue: `new TallygateClient<'leads' | 'ai_credits'>(…)`.
 */
export class TallygateClient<Feature extends string = string> {
  readonly #settings: Settings<Feature>
  readonly #transport: Transport
  readonly #cache: DecisionCache<Feature>

  constructor(options: ClientOptions<Feature>) {
    this.#settings = settingsOf(options)
    this.#transport = new Transport(this.#settings)
    this.#cache = new DecisionCache<Feature>({
      boundMs: this.#settings.cacheMs,
      now: () => performance.now(),
    })
  }

  /** Decides one request without counting it. From the cache when that is young enough, see `cachedForMs`. */
  async check(request: CheckRequest<Feature>, options: CallOptions = {}): Promise<Decision<Feature>> {
    const cached = this.checkCached(request)
    if (cached !== null) return cached
    const { workspace } = request
    const keep = this.#cache.expect(request)
    try {
      const decision = fresh(await this.#ask<Served<Feature>>('/v1/check', request, options))
      keep(decision)
      return decision
    } catch (failure) {
      const [decision] = this.#byPolicy(failure, { workspace, items: [request] })
      if (decision === undefined) throw failure
      return decision
    }
  }

  /** The answer to a check if the cache has one that is young enough, else null. Synchronous: for the hottest paths. */
  checkCached(request: CheckRequest<Feature>): Decision<Feature> | null {
    return this.#cache.read(request)
  }

  /** Decides up to 100 requests of one workspace together: what one adds counts for those after it. */
  async checks(request: ChecksRequest<Feature>, options: CallOptions = {}): Promise<Decisions<Feature>> {
    try {
      const answer = await this.#ask<Decisions<Feature>>('/v1/checks', request, options)
      return { allowed: answer.allowed, decisions: answer.decisions.map(fresh) }
    } catch (failure) {
      const decisions = this.#byPolicy(failure, request)
      return { allowed: decisions.every(({ allowed }) => allowed), decisions }
    }
  }

  /** Checks and counts in one step: all items or none. An allowed answer is in the log, and counted once. */
  async consume(request: ConsumeRequest<Feature>, options: CallOptions = {}): Promise<Consumed<Feature>> {
    const { admitted, eventIds } = await this.#use('/v1/consume', request, options)
    return { ...admitted, eventIds }
  }

  /** Holds units for a while without counting them. Then commit what was used, or release it. */
  async reserve(request: ReserveRequest<Feature>, options: CallOptions = {}): Promise<Reserved<Feature>> {
    const { admitted, hold } = await this.#use('/v1/reservations', request, options)
    return { ...admitted, ...hold }
  }

  /** Counts what was used of a reservation. Throws with code `expired` after its end, or when it was lost. */
  async commit({ id, ...body }: CommitRequest, options: CallOptions = {}): Promise<Committed> {
    return this.#resolve<Committed>({ id, verb: 'commit', body, options })
  }

  /** Gives a reservation back; doing it again is fine. */
  async release({ id, ...body }: ReservationName, options: CallOptions = {}): Promise<void> {
    await this.#resolve<object>({ id, verb: 'release', body, options })
  }

  /** Reserves, does the work, commits what it used or, when it throws, releases (see `withReservation`). */
  withReservation<Value>(
    request: ReserveRequest<Feature>,
    work: (held: Held<Feature>) => Promise<Value> | Value,
    options: CallOptions = {},
  ): Promise<ReservedWork<Value, Feature>> {
    const calls = {
      reserve: this.reserve.bind(this),
      commit: this.commit.bind(this),
      release: this.release.bind(this),
    }
    return withReservation(calls, request, work, options)
  }

  /** Every feature with its limit and use. Throws `not_found` for a workspace that this key does not know. */
  async entitlements(workspace: string, options: CallOptions = {}): Promise<Entitlements<Feature>> {
    const path = `/v1/workspaces/${encodeURIComponent(workspace)}/entitlements`
    return this.#call<Entitlements<Feature>>({ path, workspace, operation: null, options })
  }

  #byPolicy(
    failure: unknown,
    asked: { readonly workspace: string; readonly items: readonly CheckItem<Feature>[] },
  ): readonly Decision<Feature>[] {
    return decideUnavailable(this.#settings.onUnavailable, failure, asked)
  }

  async #use(path: string, request: ConsumeRequest<Feature>, options: CallOptions): Promise<Use<Feature>> {
    const { workspace, items, id = newId() } = request
    const body = { ...request, id }
    try {
      const call = { path, body, workspace, operation: id, options }
      const answer = await this.#transport.call(call)
      const served = bodyOf<ServedUse<Feature>>(answer)
      const { allowed, decisions, granted, replayed, eventIds = [] } = served
      const admitted = { allowed, decisions: decisions.map(fresh), granted, replayed, id, known: true }
      return { admitted, eventIds, hold: holdOf(served, answer.date) }
    } catch (failure) {
      const decisions = this.#byPolicy(failure, { workspace, items })
      const allowed = decisions.every((decision) => decision.allowed)
      const granted = items.map(({ quantity = 1 }) => (allowed ? quantity : 0))
      const admitted = { allowed, decisions, granted, replayed: false, id, known: false }
      return { admitted, eventIds: [], hold: NO_HOLD }
    } finally {
      this.#cache.forget(workspace)
    }
  }

  async #resolve<Body>({ id, verb, body, options }: Resolve): Promise<Body> {
    const { workspace } = body
    const path = `/v1/reservations/${encodeURIComponent(id)}/${verb}`
    try {
      return await this.#call<Body>({ path, body, workspace, operation: id, options })
    } finally {
      this.#cache.forget(workspace)
    }
  }

  #ask<Body>(path: string, body: { readonly workspace: string }, options: CallOptions): Promise<Body> {
    return this.#call<Body>({ path, body, workspace: body.workspace, operation: null, options })
  }

  async #call<Body>(call: Call): Promise<Body> {
    return bodyOf<Body>(await this.#transport.call(call))
  }
}

/** The service is trusted to answer what its contract says (docs/openapi.json). */
function bodyOf<Body>({ body }: Answer): Body {
  return body as Body
}

interface Resolve {
  readonly id: string
  readonly verb: 'commit' | 'release'
  readonly body: { readonly workspace: string; readonly quantities?: readonly number[] | undefined }
  readonly options: CallOptions
}

function fresh<Feature extends string>(decision: Served<Feature>): Decision<Feature> {
  return { ...decision, cachedForMs: 0 }
}

export type {
  Admitted,
  Committed,
  Consumed,
  Entitlement,
  Entitlements,
  Reserved,
} from './answers.ts'
export {
  type ClientErrorCode,
  ownCodes,
  serviceCodes,
  TallygateClientError,
} from './client-error.ts'
export {
  type AllowedReason,
  allowedReasons,
  type Decision,
  type Decisions,
  type DeniedReason,
  deniedReasons,
  type Intent,
  type TraceStep,
  type Unblock,
} from './decision.ts'
export type {
  CallOptions,
  CheckItem,
  CheckRequest,
  ChecksRequest,
  CommitRequest,
  ConsumeRequest,
  ReservationName,
  ReserveRequest,
  UseItem,
} from './requests.ts'
export type { ClientOptions } from './settings.ts'
export type { Fetch, FetchedAnswer } from './transport.ts'
export type { OnUnavailable, UnavailablePolicy } from './unavailable.ts'
export { type Held, type ReservedWork, UncommittedUseError } from './with-reservation.ts'
