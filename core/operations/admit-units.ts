import type { Amount } from '../amount.ts'
import { clampAmount, ZERO } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { accuracyAt } from '../entitlement/accuracy.ts'
import { decideTogether } from '../entitlement/decide.ts'
import type { Decision, Verdict } from '../entitlement/decision.ts'
import { type Grounds, keepDecisions, keptDecisions, keptGrounds } from '../entitlement/kept-decision.ts'
import { TallygateError } from '../errors.ts'
import { HOUR_MS, type Instant } from '../instant.ts'
import type { HoldStore } from '../ports.ts'
import {
  ANSWER_KEPT_MS,
  type HoldReading,
  type HoldState,
  OPERATION_AGE_MAX_MS,
  OPERATION_AHEAD_MAX_MS,
  type OpenItem,
  type OperationName,
} from '../usage/hold.ts'
import { byNewestCatalogue } from './by-newest-catalogue.ts'
import type { CheckDeps } from './check.ts'
import { decideUnheld } from './decide-unheld.ts'
import { featuresOf, placeHold } from './place-hold.ts'
import { type PlannedItem, planItems, requestOf, type WantedItem } from './plan-items.ts'

/** What admitting needs. */
export interface AdmitDeps extends CheckDeps {
  readonly holds: HoldStore
}

/** One operation that wants to use something. */
export interface AdmitInput extends OperationName {
  readonly items: readonly WantedItem[]
  /** When it happened; null = now. */
  readonly occurredAt: Instant | null
  /** As much as fits, instead of all or nothing. */
  readonly partial: boolean
  /** The same for the same body. */
  readonly fingerprint: string
  readonly state: HoldState
  readonly dueMs: number
}

/** What became of it. */
export interface Admitted {
  readonly allowed: boolean
  readonly decisions: readonly Decision[]
  /** Units admitted of each item. */
  readonly granted: readonly number[]
  /** Whether this answers what was answered before. */
  readonly replayed: boolean
  /** Items whose events are not known to be counted. */
  readonly open: readonly OpenItem[]
  /** When a reservation ends; null where nothing is held. */
  readonly deadline: Instant | null
  /** Resolves with the decisions to answer with, once they are kept. */
  readonly kept: () => Promise<readonly Decision[]>
}

/**
 * Decides an operation and sets aside what it needs, in one step.
 *
 * All items or none, or with `partial` as much as fits. Nothing is counted yet: that is what the events do. Throws
 * `idempotency_conflict`, `stale_operation`, `overloaded`, `invalid_request`, `unknown_feature`, and `unavailable`
 * when nothing can be held and a feature does not allow use without it, or a newer catalogue may allow what this one refuses.
 */
export async function admitUnits(deps: AdmitDeps, input: AdmitInput): Promise<Admitted> {
  const now = deps.holds.now()
  const guess = { ...input, occurredAt: input.occurredAt ?? now }
  const items = await byNewestCatalogue(deps.catalogue, (catalogue) =>
    planItems(catalogue, guess, input.items),
  ).catch((error: unknown) => {
    const isRefused = error instanceof TallygateError && error.code === 'invalid_request'
    throw isRefused && isBeyondAnswers(guess.occurredAt, now) ? stale(input, now) : error
  })
  const placed = await placeHold(deps, input, items)
  if (!placed.known) return decideUnheld(deps, { ...input, items, cause: placed.cause })
  const { outcome, reading } = placed
  switch (outcome) {
    case 'held':
      return admitted(deps, input, { ...placed, items, replayed: false })
    case 'again':
      return admitted(deps, input, { ...placed, items, replayed: true })
    case 'denied':
      return unkept(
        { allowed: false, replayed: false, granted: items.map(() => 0) },
        decide({ ...placed, items }),
      )
    case 'done': {
      if (input.partial || input.state === 'held') {
        const message = `${input.operation} was counted, and how much of it is not known any more; see what is used`
        throw new TallygateError('already_resolved', message)
      }
      const decisions = decide({ ...placed, items: items.map((item) => ({ ...item, quantity: ZERO })) })
      const counted = decisions.map((one, index) =>
        asAdmitted({ ...one, quantity: items[index]?.quantity ?? ZERO }),
      )
      return unkept(
        { allowed: true, replayed: true, granted: items.map(({ quantity }) => quantity) },
        counted,
      )
    }
    case 'conflict':
      throw new TallygateError(
        'idempotency_conflict',
        `${input.operation} was used before with another body; use a new id`,
      )
    case 'too_old':
      throw stale(input, reading.now)
    case 'full':
      throw new TallygateError(
        'overloaded',
        `${input.workspace} has too many open holds; try again when some are counted`,
      )
  }
}

/** How far the clock of a process may be off before its word on a time is taken for the reason of a refusal. */
const CLOCK_OFF_MAX_MS = HOUR_MS

/**
 * Whether an operation that cannot be planned is of a time of which no answer is kept, and none can be: then that is what
 * is wrong with it, not what the catalogue said then. One that can be is for Redis to judge, whose clock counts.
 */
function isBeyondAnswers(occurredAt: Instant, now: Instant): boolean {
  const first = now - OPERATION_AGE_MAX_MS - ANSWER_KEPT_MS - CLOCK_OFF_MAX_MS
  return occurredAt < first || occurredAt > now + OPERATION_AHEAD_MAX_MS + CLOCK_OFF_MAX_MS
}

function stale({ operation }: OperationName, now: Instant): TallygateError {
  const message = `${operation}: occurredAt must be at most 24 h before and 1 min after now; send the event itself instead`
  return new TallygateError('stale_operation', message, { now })
}

interface Situation {
  readonly catalogue: Catalogue
  readonly grounds: readonly Grounds[]
  readonly reading: HoldReading
  readonly items: readonly PlannedItem[]
}

function admitted(
  deps: AdmitDeps,
  input: AdmitInput,
  { replayed, ...situation }: Situation & { readonly replayed: boolean },
): Admitted {
  const { reading, items } = situation
  const { granted, open, deadline, answer } = reading
  const { workspace, fingerprint } = input
  const grounds =
    reading.grounds === null
      ? situation.grounds
      : keptGrounds(reading.grounds, { workspace, features: featuresOf(items) })
  const decisions = answer === null ? decidedFor({ ...situation, grounds }) : keptDecisions(answer)
  const kept = async (): Promise<readonly Decision[]> => {
    if (answer !== null || isRepeatable(decisions)) return decisions
    const first = await deps.holds.keepAnswer(input, { fingerprint, answer: keepDecisions(decisions) })
    return first === null ? decisions : keptDecisions(first)
  }
  if (!replayed) for (const decision of decisions) deps.lastKnown.set(decision, 'add')
  return { allowed: true, decisions, granted, replayed, open, deadline, kept }
}

/** Whether the grounds alone give the same decisions again: ways out of a denial are looked for in the catalogue. */
function isRepeatable(decisions: readonly Decision[]): boolean {
  return decisions.every(({ unblock }) => unblock.length === 0)
}

/** Decisions of what was granted; an item of which nothing fitted is decided as it was asked. */
function decidedFor(situation: Situation): readonly Decision[] {
  const { granted } = situation.reading
  const items = situation.items.map((item, index) => {
    const units = granted[index] ?? 0
    return units === 0 ? item : { ...item, quantity: clampAmount(units) }
  })
  const isGranted = (index: number): boolean => (granted[index] ?? 0) > 0 || items[index]?.quantity === 0
  return decide({ ...situation, items }).map((decision, index) =>
    isGranted(index) ? asAdmitted(decision) : decision,
  )
}

/** What was admitted stays so, also when facts have changed since. */
function asAdmitted(decision: Decision): Decision {
  return decision.allowed ? decision : { ...decision, allowed: true, reason: 'within_limit', unblock: [] }
}

function unkept(
  { allowed, replayed, granted }: Pick<Admitted, 'allowed' | 'replayed' | 'granted'>,
  decisions: readonly Decision[],
): Admitted {
  return { allowed, replayed, granted, decisions, open: [], deadline: null, kept: async () => decisions }
}

function decide({ catalogue, grounds, reading, items }: Situation): readonly Decision[] {
  const features = featuresOf(items)
  const now = reading.decidedAt
  const verdicts: readonly Verdict[] = decideTogether({
    catalogue,
    now,
    items: items.map((item, index) => {
      const group = features.indexOf(item.feature)
      const found = grounds[group]
      if (found === undefined) throw new RangeError(`no entitlement for ${item.feature}`)
      const figures = reading.figures[group] ?? { used: 0, held: 0 }
      const usage = {
        used: clampAmount(figures.used),
        held: clampAmount(figures.held) as Amount,
        subjectIsMember: reading.free[index] === 'member',
        subjectIsHeld: reading.free[index] === 'held',
      }
      return { ...found, request: requestOf(item), usage }
    }),
  }).decisions
  const accuracy = accuracyAt({ now, asOf: reading.asOf, isWhole: !reading.isLowerBound })
  return verdicts.map((verdict) => ({ ...verdict, ...accuracy }))
}
