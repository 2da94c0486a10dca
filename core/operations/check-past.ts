import type { Catalogue } from '../catalogue/catalogue.ts'
import { decideTogether } from '../entitlement/decide.ts'
import type { Decision, Request, TraceStep } from '../entitlement/decision.ts'
import { crossingOf } from '../entitlement/facts.ts'
import { resolveEntitlement } from '../entitlement/resolve.ts'
import { TallygateError } from '../errors.ts'
import { factsAt, type StoredHistory } from '../history/past-facts.ts'
import {
  firstPastDay,
  HISTORY_DAYS_MAX,
  type PastFields,
  type PastQuestion,
  pastFields,
  pastUsage,
} from '../history/past-usage.ts'
import { DAY_MS, type Instant, toIso } from '../instant.ts'
import type { CounterReading, CounterStore, DayArchive, HistoryStore } from '../ports.ts'
import { ARCHIVE_FIELD } from '../usage/counter-fields.ts'
import { type DayFigures, mergeFigures } from '../usage/past-days.ts'
import { accuracyOf, requireFits } from './check.ts'
import { readPastDays } from './read-past-days.ts'
import { readCounted } from './read-workspace.ts'

/** What a check of the past needs. */
export interface PastDeps {
  readonly counters: CounterStore
  readonly history: HistoryStore
  readonly archive: DayArchive
  readonly now: () => Instant
}

/** One request of one workspace, as if it had been asked at an instant. */
export interface PastInput {
  readonly workspace: string
  readonly request: Request
  readonly at: Instant
}

/**
 * Decides a request as of a past instant: the subscription, overrides and catalogue of then, and use by day.
 *
 * The trace begins with what could not be known. Throws `invalid_request` for an instant that lies ahead or more
 * than 400 days back, `unknown_feature` for one that was not sold then, and `unavailable`.
 */
export async function checkPast(deps: PastDeps, { workspace, request, at }: PastInput): Promise<Decision> {
  requirePast(at, deps.now())
  const { catalogue, wasInForce } = await deps.history.catalogueAt(at)
  requireFits(catalogue, request)
  const history = await deps.history.historyOf(workspace, at)
  const facts = factsAt(history, at)
  const featureKey = request.feature
  const entitlement = resolveEntitlement({ catalogue, facts, workspace, featureKey, now: at })
  const question = { catalogue, entitlement, at }
  const { reading, fields } = await readFields(deps, workspace, question)
  const { usage, gaps } = pastUsage(question, fields)
  const crossing = crossingOf(facts, featureKey, entitlement.feature)
  const items = [{ request, entitlement, usage, crossing }]
  const [verdict] = decideTogether({ catalogue, now: at, items }).decisions
  if (verdict === undefined) throw new RangeError('one request has one verdict')
  const unknown = [...catalogueGap(catalogue, wasInForce), ...memberGap(request), ...lateGap(history, at)]
  const trace = [asOfStep(at, catalogue), ...unknown, ...gaps, ...verdict.trace]
  return { ...verdict, ...accuracyOf(reading), exact: false, trace }
}

interface ReadFields {
  readonly reading: CounterReading
  readonly fields: PastFields
}

/** What the counters hold, on top of what was archived of the same days. */
async function readFields(deps: PastDeps, workspace: string, question: PastQuestion): Promise<ReadFields> {
  const wanted = [ARCHIVE_FIELD, ...pastFields(question)]
  const reading = await readCounted(deps, workspace, { fields: wanted, sets: [] })
  const { [ARCHIVE_FIELD]: newest = null, ...counted } = reading.fields
  const archived = await readPastDays(deps.archive, newest, firstPastDay(question))
  return { reading, fields: { ...counted, ...mergeFigures(archived, figuresOf(counted, archived)) } }
}

/** The counted figures of days that are archived, too; the rest stays as it was read. */
function figuresOf(counted: CounterReading['fields'], archived: DayFigures): DayFigures {
  const both = Object.entries(counted).filter(
    ([name, text]) => text !== null && Object.hasOwn(archived, name),
  )
  return Object.fromEntries(both.map(([name, text]) => [name, Number(text)]))
}

function requirePast(at: Instant, now: Instant): void {
  if (at <= now && at > now - HISTORY_DAYS_MAX * DAY_MS) return
  const message = `at must lie in the past ${HISTORY_DAYS_MAX} days; leave it out to ask about now`
  throw new TallygateError('invalid_request', message, { field: 'at' })
}

function asOfStep(at: Instant, { revision }: Catalogue): TraceStep {
  const detail = `answered from history as of ${toIso(at)}, by catalogue revision ${revision}; holds are not kept`
  return { step: 'history', detail, data: { at: toIso(at), catalogueRevision: revision } }
}

function catalogueGap({ revision }: Catalogue, wasInForce: boolean): readonly TraceStep[] {
  if (wasInForce) return []
  const detail = `no catalogue was stored by then; the first one, revision ${revision}, is taken`
  return [{ step: 'history', detail }]
}

function memberGap({ subject }: Request): readonly TraceStep[] {
  if (subject === undefined) return []
  const detail = `whether ${subject} was a member then is not kept; it is taken for a new one`
  return [{ step: 'history', detail }]
}

/** A version tells when it happened, not when it arrived: what was answered then may have been without it. */
function lateGap({ versions }: StoredHistory, at: Instant): readonly TraceStep[] {
  const last = versions.filter(({ occurredAt }) => occurredAt <= at).length
  if (last === 0) return []
  const detail = `${last} of ${versions.length} versions of the subscription had happened; when each arrived is not kept`
  return [{ step: 'history', detail, data: { versions: last } }]
}
