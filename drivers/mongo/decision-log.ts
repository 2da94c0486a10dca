import type { Collection, Db } from 'mongodb'
import { type DecisionCount, mergeCounts } from '#core/decisions/decision-count.ts'
import { DAY_MS, type Instant, MINUTE_MS } from '#core/instant.ts'
import { isDuplicateKey, padNumber } from './append-log.ts'
import { expireOld } from './expire-old.ts'

/** How long counts are kept. */
export const DECISIONS_KEPT_MS = 30 * DAY_MS

/** Documents of one page: the flushes of some processes over some minutes. */
const DOCUMENTS_MAX = 2_000

interface CountDocument {
  /** `<workspace>/<minute>/<batch>`. */
  readonly _id: string
  readonly counts: readonly DecisionCount[]
  readonly expiresAt: Date
}

/** Minutes of a workspace, `[from, to)`. */
export interface DecisionQuery {
  readonly from: Instant
  readonly to: Instant
  /** Only this feature; null for all. */
  readonly feature: string | null
}

/** Counts, newest minute first, and before which minute to go on; null at the end. */
export interface DecisionPage {
  readonly counts: readonly DecisionCount[]
  readonly before: Instant | null
}

/** Counts of decisions by workspace and minute: each process inserts what it counted, a read adds them up. */
export class DecisionLog {
  readonly #collection: Collection<CountDocument>

  constructor(db: Db) {
    this.#collection = db.collection('decisions')
  }

  /** Takes old counts away from now on; who does it. Never throws. */
  async expireOld(now: () => number): ReturnType<typeof expireOld> {
    return expireOld(this.#collection, now)
  }

  /** Stores counts under the name of a batch; the same batch again changes nothing. */
  async add(batch: string, counts: readonly DecisionCount[]): Promise<void> {
    const byMinute = Map.groupBy(counts, ({ workspace, minute }) => `${workspace}/${padNumber(minute)}`)
    const documents = [...byMinute].map(([place, own]) => ({
      _id: `${place}/${batch}`,
      counts: own,
      expiresAt: new Date((own[0]?.minute ?? 0) + DECISIONS_KEPT_MS),
    }))
    if (documents.length === 0) return
    await this.#collection.insertMany(documents, { ordered: false }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }

  /** Counts of a workspace, whole minutes at a time. */
  async page(workspace: string, { from, to, feature }: DecisionQuery): Promise<DecisionPage> {
    const first = from - (from % MINUTE_MS)
    const found = await this.#collection
      .find({ _id: { $gte: `${workspace}/${padNumber(first)}`, $lt: `${workspace}/${padNumber(to)}` } })
      .sort({ _id: -1 })
      .limit(DOCUMENTS_MAX + 1)
      .toArray()
    const isMore = found.length > DOCUMENTS_MAX
    const counts = found.flatMap((document) => document.counts)
    const newest = counts[0]?.minute ?? 0
    const oldest = counts.at(-1)?.minute ?? 0
    const isWhole = ({ minute }: DecisionCount): boolean => !isMore || minute > oldest || oldest === newest
    const isWanted = (count: DecisionCount): boolean => feature === null || count.feature === feature
    return {
      counts: mergeCounts(counts.filter((count) => isWhole(count) && isWanted(count))),
      before: isMore ? (oldest === newest ? oldest : oldest + MINUTE_MS) : null,
    }
  }
}
