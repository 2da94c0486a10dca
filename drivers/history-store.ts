import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { TallygateError } from '#core/errors.ts'
import type { StoredHistory } from '#core/history/past-facts.ts'
import type { Instant } from '#core/instant.ts'
import type { HistoryStore } from '#core/ports.ts'
import { parseStored } from './catalogue-store.ts'
import type { CatalogueHead, CatalogueLog } from './mongo/catalogue-log.ts'
import type { FactsSource } from './mongo/facts-source.ts'
import type { RulesHistory } from './rules-history.ts'

interface HistoryOptions {
  readonly source: FactsSource
  readonly catalogues: Pick<CatalogueLog, 'heads' | 'revision'>
  readonly rules: Pick<RulesHistory, 'judging'>
}

/** Parsed revisions that one process remembers, those that were asked for last; they never change. */
const REMEMBERED_MAX = 20

/** The past as MongoDB keeps it: nothing of it is ever changed. Every failure to reach it is `unavailable`. */
export function historyStore({ source, catalogues, rules }: HistoryOptions): HistoryStore {
  const parsed = new Map<string, Catalogue>()
  const parsedOf = async ({ revision, storedAt }: CatalogueHead): Promise<Catalogue> => {
    // A revision that a replica set rolled back leaves its number to another one, stored at another instant.
    const key = `${revision} ${storedAt}`
    const catalogue = parsed.get(key) ?? (await readRevision(catalogues, revision))
    parsed.delete(key)
    parsed.set(key, catalogue)
    const [oldest = key] = parsed.keys()
    if (parsed.size > REMEMBERED_MAX) parsed.delete(oldest)
    return catalogue
  }
  return {
    catalogueAt: (at) =>
      orUnavailable(async () => {
        const heads = await catalogues.heads()
        const inForce = heads.findLast(({ storedAt }) => storedAt <= at)
        const head = inForce ?? heads[0]
        if (head === undefined) throw new RangeError('there is no catalogue at all')
        return { catalogue: await parsedOf(head), wasInForce: inForce !== undefined }
      }),
    historyOf: (workspace, at) =>
      orUnavailable(async () => {
        const history = await readHistory(source, workspace, at)
        return { ...history, rulesAt: await rules.judging(history.versions) }
      }),
  }
}

async function readRevision(
  catalogues: Pick<CatalogueLog, 'revision'>,
  revision: number,
): Promise<Catalogue> {
  const stored = await catalogues.revision(revision)
  if (stored === null) throw new RangeError(`revision ${revision} of the catalogue is gone`)
  return parseStored(stored)
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
