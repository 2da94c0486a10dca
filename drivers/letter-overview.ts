import type { KeptLetter, LetterLog, LetterQuery } from './mongo/letter-log.ts'
import type { RedriveLog } from './mongo/redrive-log.ts'
import { lastRefused } from './refused-record.ts'

/** Letters of one code. */
export interface LetterCount {
  readonly code: string
  readonly count: number
  readonly newest: number
}

/** What `tallygate redrive` would find and do with the same filters, and with one topic. */
export interface RedrivePreview {
  readonly topic: string
  readonly found: number
  readonly sentBefore: number
  readonly cut: number
  /** Left out because they set counters. */
  readonly statesCount: number
  readonly wouldSend: number
}

/** The letters of a time, counted. */
export interface LetterOverview {
  readonly summary: readonly LetterCount[]
  /** By topic that the records were refused from: to send them again is right for usage, seldom for subscriptions. */
  readonly redrives: readonly RedrivePreview[]
  /** False where there are more letters than were looked at. */
  readonly isWhole: boolean
}

interface OverviewDeps {
  readonly letters: Pick<LetterLog, 'all'>
  readonly redrives: Pick<RedriveLog, 'wereRedriven'>
}

/** Letters that are looked at, newest first. */
const LETTERS_MAX = 2_000

/** Counts letters by code, and what a redrive would do with the records that are meant. */
export async function letterOverview(
  { letters, redrives }: OverviewDeps,
  query: LetterQuery,
): Promise<LetterOverview> {
  const since = { ...query, code: null, to: Number.MAX_SAFE_INTEGER }
  const all = await letters.all(since, LETTERS_MAX + 1)
  const looked = all.slice(0, LETTERS_MAX)
  const isMeant = ({ code, failedAt }: Pick<KeptLetter, 'code' | 'failedAt'>): boolean =>
    failedAt < query.to && (query.code === null || code === query.code)
  const meant = lastRefused(looked.toReversed()).filter(isMeant)
  const sent = await redrives.wereRedriven(meant)
  const known = meant.map((letter, index) => ({ ...letter, wasSent: sent[index] === true }))
  const summary = [...Map.groupBy(looked.filter(isMeant), ({ code }) => code)].map(([code, own]) => {
    return { code, count: own.length, newest: own[0]?.failedAt ?? 0 }
  })
  return {
    summary: summary.toSorted((a, b) => b.count - a.count || b.newest - a.newest),
    redrives: [...Map.groupBy(known, ({ topic }) => topic)].map(([topic, own]) => previewOf(topic, own)),
    isWhole: all.length <= LETTERS_MAX,
  }
}

type Known = Pick<KeptLetter, 'isCut' | 'statesCount'> & { readonly wasSent: boolean }

function previewOf(topic: string, letters: readonly Known[]): RedrivePreview {
  const found = letters.length
  const whole = letters.filter(({ isCut }) => !isCut)
  const unsent = whole.filter(({ wasSent }) => !wasSent)
  const wouldSend = unsent.filter(({ statesCount }) => !statesCount).length
  const left = { sentBefore: whole.length - unsent.length, cut: found - whole.length }
  return { topic, found, ...left, statesCount: unsent.length - wouldSend, wouldSend }
}
