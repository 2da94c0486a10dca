import type { KeptLetter, LetterLog, LetterQuery } from './mongo/letter-log.ts'
import type { RedriveLog } from './mongo/redrive-log.ts'

/** Letters of one code. */
export interface LetterCount {
  readonly code: string
  readonly count: number
  readonly newest: number
}

/** What `tallygate redrive` would find and do with the same filters. */
export interface RedrivePreview {
  readonly found: number
  readonly sentBefore: number
  readonly cut: number
  readonly wouldSend: number
}

/** The letters of a time, counted. */
export interface LetterOverview {
  readonly summary: readonly LetterCount[]
  readonly redrive: RedrivePreview
  /** False where there are more letters than were looked at. */
  readonly isWhole: boolean
}

interface OverviewDeps {
  readonly letters: Pick<LetterLog, 'all'>
  readonly redrives: Pick<RedriveLog, 'wereRedriven'>
}

/** Letters that are looked at, newest first. */
const LETTERS_MAX = 2_000

/** Counts letters by code, and what a redrive would do: of each record the newest letter, if it is meant. */
export async function letterOverview(
  { letters, redrives }: OverviewDeps,
  query: LetterQuery,
): Promise<LetterOverview> {
  const since = { ...query, code: null, to: Number.MAX_SAFE_INTEGER }
  const all = await letters.all(since, LETTERS_MAX + 1)
  const looked = all.slice(0, LETTERS_MAX)
  const isMeant = ({ code, failedAt }: Pick<KeptLetter, 'code' | 'failedAt'>): boolean =>
    failedAt < query.to && (query.code === null || code === query.code)
  const newest = new Map(looked.toReversed().map((letter) => [letter.origin, letter]))
  const meant = [...newest.values()].filter(isMeant)
  const sent = await redrives.wereRedriven(meant)
  const cut = meant.filter(({ isCut }) => isCut).length
  const sentBefore = meant.filter(({ isCut }, index) => !isCut && sent[index]).length
  const summary = [...Map.groupBy(looked.filter(isMeant), ({ code }) => code)].map(([code, own]) => {
    return { code, count: own.length, newest: own[0]?.failedAt ?? 0 }
  })
  return {
    summary: summary.toSorted((a, b) => b.count - a.count || b.newest - a.newest),
    redrive: { found: meant.length, sentBefore, cut, wouldSend: meant.length - sentBefore - cut },
    isWhole: all.length <= LETTERS_MAX,
  }
}
