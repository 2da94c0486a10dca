import type { Instant } from '#core/instant.ts'
import { DEDUPE_WINDOW_MS } from '#core/usage/append-time.ts'
import { setsCounters } from '#core/usage/sets-counters.ts'
import { isTooLarge, type Letter, type readUsage } from '#drivers/kafka/letters.ts'
import { lastRefused } from '#drivers/refused-record.ts'

/** Which letters are meant. */
export interface LetterFilter {
  readonly workspace: string | null
  readonly code: string | null
  /** Topic that the record was refused from. */
  readonly topic: string | null
  /** When the record was refused, ms; `to` is not part of it. */
  readonly from: number
  readonly to: number
}

/** Why a letter is not sent again. */
export type Skipped = 'sent again before' | 'is too large' | 'states a count'

/** What becomes of a letter. */
export interface Selected {
  readonly letter: Letter
  readonly skipped: Skipped | null
  /** It is sent, and a copy of it that was counted when it happened is not remembered any more. */
  readonly mayCountAgain: boolean
}

/** Of each record that was refused the letter that counts, if it is meant. */
export function selectLetters(letters: readonly Letter[], filter: LetterFilter): readonly Letter[] {
  return lastRefused(letters).filter((letter) => isMeant(letter, filter))
}

/** What is known of a letter that is meant. */
interface KnownLetter {
  readonly letter: Letter
  readonly usage: ReturnType<typeof readUsage>
  readonly wasSent: boolean
}

/**
 * Whether a letter is sent again. A record that sets counters would set them back to what they were when it was refused, so
 * it is only where somebody asks for that.
 */
export function judgeLetter(
  { letter, usage, wasSent }: KnownLetter,
  { countsToo, now }: { readonly countsToo: boolean; readonly now: Instant },
): Selected {
  const left = (skipped: Skipped): Selected => ({ letter, skipped, mayCountAgain: false })
  if (isTooLarge(letter)) return left('is too large')
  if (wasSent) return left('sent again before')
  const statesCount = usage !== null && setsCounters(usage)
  if (statesCount && !countsToo) return left('states a count')
  const isForgotten = usage === null || usage.occurredAt < now - DEDUPE_WINDOW_MS
  return { letter, skipped: null, mayCountAgain: letter.code === 'too_late' && isForgotten && !statesCount }
}

function isMeant({ key, code, topic, failedAt }: Letter, filter: LetterFilter): boolean {
  if (filter.topic !== null && topic !== filter.topic) return false
  if (filter.workspace !== null && key?.toString() !== filter.workspace) return false
  return (filter.code === null || code === filter.code) && failedAt >= filter.from && failedAt < filter.to
}
