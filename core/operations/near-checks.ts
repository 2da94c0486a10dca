import type { Catalogue } from '../catalogue/catalogue.ts'
import { decideTogether } from '../entitlement/decide.ts'
import type { Request, Verdict } from '../entitlement/decision.ts'
import { type Entitlement, holdsAt } from '../entitlement/entitlement.ts'
import { crossingOf, type WorkspaceFacts } from '../entitlement/facts.ts'
import type { Instant } from '../instant.ts'
import type { CatalogueStore, CounterReading, FactStore, Standing, StandingNow } from '../ports.ts'
import { resourceOf, usageOf } from '../usage/feature-reading.ts'

/** Readings remembered at once; beyond that all are forgotten, which costs each a round trip. */
const READINGS_MAX = 50_000
/** Verdicts remembered of one reading. */
const VERDICTS_MAX = 16

/** What is compared with the facts and catalogue in force. */
export interface NearDeps {
  readonly facts: Pick<FactStore, 'current'>
  readonly catalogue: Pick<CatalogueStore, 'remembered'>
}

/** One request of one workspace. */
export interface NearQuestion {
  readonly workspace: string
  readonly request: Request
}

/** A reading with all that was resolved to make it. */
export interface KeptReading extends NearQuestion {
  readonly reading: CounterReading
  readonly facts: WorkspaceFacts
  readonly catalogue: Catalogue
  readonly entitlement: Entitlement
}

/** A verdict as it is now; the same object as long as nothing changes it. */
export interface NearDecision {
  readonly verdict: Verdict
  readonly accuracy: StandingNow
  /** Nobody was given this verdict before. */
  readonly isNew: boolean
}

/** A verdict and the instants `[from, until)` between which time alone leaves it as it is. */
interface Timed {
  readonly verdict: Verdict
  readonly from: Instant
  readonly until: Instant
}

interface Known extends Omit<KeptReading, 'request' | 'workspace'> {
  readonly standing: Standing
  readonly verdicts: Map<string, Timed>
}

/**
 * Decides from readings that still stand, without asking anybody (ADR 0016).
 *
 * A reading is used while its store vouches for it, the facts and the catalogue are those that it was made with, and the
 * entitlement holds at Redis' time. What time alone changes is decided anew.
 */
export class NearChecks {
  readonly #known = new Map<string, Known>()

  /** Remembers a reading, if somebody will tell of changes. */
  keep({ workspace, request, ...kept }: KeptReading): void {
    const { standing } = kept.reading
    if (standing === undefined) return
    if (this.#known.size >= READINGS_MAX) this.#known.clear()
    this.#known.set(nameOf(workspace, request), { ...kept, standing, verdicts: new Map() })
  }

  /** A decision by what is known; null when counters, facts or catalogue must be read. */
  find(
    { facts, catalogue: catalogues }: NearDeps,
    { workspace, request }: NearQuestion,
  ): NearDecision | null {
    const known = this.#known.get(nameOf(workspace, request))
    const accuracy = known?.standing.now() ?? null
    if (known === undefined || accuracy === null) return null
    const { catalogue, entitlement, reading } = known
    const isInForce =
      catalogues.remembered() === catalogue &&
      accuracy.catalogueRevision <= catalogue.revision &&
      facts.current(workspace, reading.factsRevision) === known.facts &&
      holdsAt(entitlement, accuracy.now)
    return isInForce ? verdictOf(known, request, accuracy) : null
  }
}

/** Readings differ by the feature and the resource that is looked up. */
function nameOf(workspace: string, { feature, meter = '', subject }: Request): string {
  return subject === undefined ? `${workspace} ${feature}` : `${workspace} ${feature} ${meter} ${subject}`
}

function verdictOf(known: Known, request: Request, accuracy: StandingNow): NearDecision {
  const { verdicts } = known
  const asked = `${request.quantity} ${request.intent}`
  const found = verdicts.get(asked)
  if (found !== undefined && found.from <= accuracy.now && accuracy.now < found.until)
    return { verdict: found.verdict, accuracy, isNew: false }
  const verdict = decide(known, request, accuracy.now)
  if (verdicts.size >= VERDICTS_MAX) verdicts.clear()
  verdicts.set(asked, { verdict, from: accuracy.now, until: untilOf(verdict, known.catalogue, accuracy.now) })
  return { verdict, accuracy, isNew: true }
}

function decide({ catalogue, entitlement, facts, reading }: Known, request: Request, now: Instant): Verdict {
  const usage = usageOf({ entitlement, ...resourceOf(request) }, reading, catalogue)
  const crossing = crossingOf(facts, request.feature, entitlement.feature)
  const [verdict] = decideTogether({
    catalogue,
    now,
    items: [{ request, entitlement, usage, crossing }],
  }).decisions
  if (verdict === undefined) throw new RangeError('one request has one verdict')
  return verdict
}

/** When time alone may change a verdict of an entitlement that holds: the end of a grace, or what plans offer. */
function untilOf({ overLimit, unblock }: Verdict, { plans }: Catalogue, now: Instant): Instant {
  const offers = unblock.length === 0 ? [] : Object.values(plans).flatMap(({ versions }) => versions)
  const instants = [overLimit?.graceEndsAt ?? now, ...offers.map(({ from }) => from)]
  return Math.min(...instants.filter((instant) => instant > now), Number.POSITIVE_INFINITY)
}
