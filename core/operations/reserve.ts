import type { Decision } from '../entitlement/decision.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import type { HoldStore } from '../ports.ts'
import type { OpenItem, OperationName } from '../usage/hold.ts'
import { ownUsage } from '../usage/own-usage.ts'
import { itemEventId } from '../usage/reservation.ts'
import { type AdmitDeps, type AdmitInput, admitUnits } from './admit-units.ts'
import { type ConsumeDeps, eventIdsOf } from './consume.ts'
import { lookAgain, type Pause } from './look-again.ts'

/** What to reserve, and for how long (ms, at most `RESERVATION_MAX_MS`). */
export interface ReserveInput extends Omit<AdmitInput, 'state' | 'dueMs'> {
  readonly ttlMs: number
}

/** What was reserved. */
export interface Reserved {
  readonly allowed: boolean
  readonly decisions: readonly Decision[]
  readonly granted: readonly number[]
  /** Until when it is held; in the past where it was allowed without a hold, null where it was denied. */
  readonly expiresAt: Instant | null
  /** How long it is held from now on, ms; null when nothing is held. By Redis' clock, as its end is. */
  readonly remainingMs: number | null
  readonly replayed: boolean
}

/** Holds units for a while without counting them. Throws what `admitUnits` does. */
export async function reserve(deps: AdmitDeps, { ttlMs, ...input }: ReserveInput): Promise<Reserved> {
  const admitted = await admitUnits(deps, { ...input, state: 'held', dueMs: ttlMs })
  const { allowed, granted, replayed, deadline } = admitted
  const decisions = await admitted.kept().catch(() => admitted.decisions)
  const now = deps.holds.now()
  const expiresAt = allowed ? (deadline ?? now) : null
  const remainingMs = expiresAt !== null && expiresAt > now ? expiresAt - now : null
  return { allowed, granted, replayed, decisions, expiresAt, remainingMs }
}

/** What was used of a reservation; null = all of it. */
export interface CommitInput extends OperationName {
  readonly quantities: readonly number[] | null
}

/** What committing needs. */
export interface CommitDeps extends Pick<ConsumeDeps, 'holds' | 'sink'> {
  readonly pause: Pause
}

/** What is counted of it. */
export interface Committed {
  readonly quantities: readonly number[]
  readonly eventIds: readonly string[]
  readonly replayed: boolean
}

/** Most items of one operation (api.md). */
const ITEMS_MAX = 100

/**
 * Counts what was used of a reservation and gives back the rest.
 *
 * Throws `already_resolved`, `expired`, `invalid_request`, `unavailable`, and `unknown` as consuming does.
 */
export async function commitReservation(deps: CommitDeps, input: CommitInput): Promise<Committed> {
  const { holds, sink } = deps
  sink.requireReachable()
  const reply = await holds.commit(input, input.quantities)
  switch (reply.outcome) {
    case 'rebuilding':
      throw notNow(input)
    case 'unknown':
      return committedBefore(deps, input, expired(input))
    case 'expired':
    case 'settled': {
      const { quantities } = input
      const otherwise = reply.outcome === 'expired' ? expired(input) : resolved(input)
      return committedBefore(deps, { ...input, quantities: quantities ?? reply.granted }, otherwise)
    }
    case 'resolved':
      throw resolved(input)
    case 'count':
    case 'too_much': {
      const reserved = reply.granted.join(', ')
      const message = `quantities must be one for each item and no more than was reserved: ${reserved}`
      throw new TallygateError('invalid_request', message, { field: 'quantities' })
    }
    case 'committed':
    case 'again': {
      await sink.produce(reply.open.map((open: OpenItem) => ownUsage(input, open)))
      const { quantities } = reply
      return {
        quantities,
        eventIds: eventIdsOf(input.operation, quantities),
        replayed: reply.outcome === 'again',
      }
    }
  }
}

/**
 * The hold is gone, or never was because nothing could be held, unless its events are counted: Redis that went back to
 * before a commit knows the reservation alone, and lets it expire, or has its own event settle it.
 *
 * What `otherwise` says is what the product acts on (ADR 0026). So it is said only once everything is
 * counted that was in the log when it was asked for: Redis may have lost the event, too, and the product would send it
 * a second time. Nor is an item said to be counted whose event never came to the log: its quantity is 0.
 */
async function committedBefore(
  { holds, pause }: CommitDeps,
  input: CommitInput,
  otherwise: TallygateError,
): Promise<Committed> {
  const { workspace, operation, quantities } = input
  const count = quantities?.length ?? ITEMS_MAX
  const ids = Array.from({ length: count }, (_, item) => itemEventId({ operation, item }))
  let askedAt: Instant | null = null
  const counted = await lookAgain(pause, async () => {
    const found = await holds.counted(workspace, ids)
    if (found === null) throw notNow(input)
    askedAt ??= found.now
    const isWhole = quantities?.every((units, item) => units === 0 || found.counted[item] === true) ?? false
    return (isWhole && found.counted.includes(true)) || found.asOf > askedAt ? found.counted : null
  })
  if (counted === null) {
    const message = `${operation}: whether it was committed cannot be said while counting is behind; try again`
    throw new TallygateError('unavailable', message, { workspace })
  }
  const eventIds = ids.filter((_, item) => counted[item] === true)
  if (eventIds.length > 0) {
    const found = (quantities ?? []).map((units, item) => (counted[item] === true ? units : 0))
    return { quantities: found, eventIds, replayed: true }
  }
  throw otherwise
}

function expired({ operation }: OperationName): TallygateError {
  const message = `no reservation "${operation}" is held (any more); where it was granted send the event itself: it counts, and may exceed`
  return new TallygateError('expired', message)
}

function resolved({ operation }: OperationName): TallygateError {
  const message = `${operation} was resolved otherwise before; what is counted stays counted`
  return new TallygateError('already_resolved', message)
}

/** Gives a reservation back. Throws `already_resolved`, `not_found` and `unavailable`. */
export async function releaseReservation(holds: HoldStore, name: OperationName): Promise<void> {
  switch (await holds.release(name)) {
    case 'released':
      return
    case 'rebuilding':
      throw notNow(name)
    case 'unknown':
      throw new TallygateError('not_found', `no reservation "${name.operation}" is known`)
    case 'resolved':
      throw resolved(name)
  }
}

function notNow({ workspace, operation }: OperationName): TallygateError {
  const message = `${operation}: counters of ${workspace} are being rebuilt; try again`
  return new TallygateError('unavailable', message, { workspace, cause: 'rebuilding' })
}
