import type { Catalogue, StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { TallygateError } from '#core/errors.ts'
import type { StoredHistory } from '#core/history/past-facts.ts'
import type { Instant } from '#core/instant.ts'
import type { HistoryStore } from '#core/ports.ts'
import { parseStored } from './catalogue-store.ts'
import type { CatalogueLog } from './mongo/catalogue-log.ts'
import type { FactsSource } from './mongo/facts-source.ts'
import type { RulesHistory } from './rules-history.ts'

interface HistoryOptions {
  readonly source: FactsSource
  readonly catalogues: CatalogueLog
  readonly rules: Pick<RulesHistory, 'judging'>
}

/** Parsed revisions that one process remembers; they never change. */
const REMEMBERED_MAX = 20

/** The past as MongoDB keeps it: nothing of it is ever changed. Every failure to reach it is `unavailable`. */
export function historyStore({ source, catalogues, rules }: HistoryOptions): HistoryStore {
  const parsed = new Map<number, Catalogue>()
  const parse = (stored: StoredCatalogue): Catalogue => {
    const catalogue = parsed.get(stored.revision) ?? parseStored(stored)
    if (parsed.size >= REMEMBERED_MAX) parsed.clear()
    parsed.set(stored.revision, catalogue)
    return catalogue
  }
  return {
    catalogueAt: (at) =>
      orUnavailable(async () => {
        const revisions = await catalogues.revisions()
        const inForce = revisions.findLast(({ storedAt }) => storedAt <= at)
        const stored = inForce ?? revisions[0]
        if (stored === undefined) throw new RangeError('there is no catalogue at all')
        return { catalogue: parse(stored), wasInForce: inForce !== undefined }
      }),
    historyOf: (workspace, at) =>
      orUnavailable(async () => {
        const history = await readHistory(source, workspace, at)
        return { ...history, rulesAt: await rules.judging(history.versions) }
      }),
  }
}

async function readHistory(
  source: FactsSource,
  workspace: string,
  at: Instant,
): Promise<Omit<StoredHistory, 'rulesAt'>> {
  const stored = await source.read(workspace)
  const number = await lastJudgedBy(source, { workspace, at, count: stored.crossings.count })
  const [before, after] = await Promise.all([
    number === 0 ? null : source.judgement(workspace, number),
    number === stored.crossings.count ? null : source.judgement(workspace, number + 1),
  ])
  return { versions: stored.versions, overrides: stored.overrides, judged: { before, after } }
}

interface JudgedBy {
  readonly workspace: string
  readonly at: Instant
  readonly count: number
}

/** Number of the last judgement made by an instant, 0 for none: found by halving. */
async function lastJudgedBy(source: FactsSource, { workspace, at, count }: JudgedBy): Promise<number> {
  let low = 0
  let high = count + 1
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    const judgement = await source.judgement(workspace, middle)
    if (judgement !== null && judgement.judgedAt <= at) low = middle
    else high = middle
  }
  return low
}

async function orUnavailable<Value>(read: () => Promise<Value>): Promise<Value> {
  return read().catch((error: unknown) => {
    throw new TallygateError('unavailable', 'MongoDB did not answer for the past; try again', {}, error)
  })
}
