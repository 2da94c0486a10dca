import type { Instant } from '#core/instant.ts'
import type {
  CommitOutcome,
  FreeReason,
  HoldOutcome,
  HoldWish,
  OpenItem,
  ReleaseOutcome,
  SweepOutcome,
} from '#core/usage/hold.ts'
import { listOf, type RawReply, wordOf } from './script.ts'

const holdWords = {
  OK: 'held',
  DENY: 'denied',
  AGAIN: 'again',
  CONFLICT: 'conflict',
  STALE: 'stale',
  DONE: 'done',
  STALE_OPERATION: 'too_old',
  FULL: 'full',
} as const

/** What `hold.lua` says of a wish. */
export function holdReply(raw: RawReply, wish: HoldWish): HoldOutcome {
  const [first, grounds, answer, open] = listOf(raw, 'hold.lua')
  if (first === 'REBUILDING') return { outcome: 'rebuilding' }
  const [word = '', now, revision = '', catalogue, at, seen, lowerBound, decidedAt, ...found] =
    String(first).split('|')
  const [figures, grantedText, free = '', deadline] = found
  const outcome = holdWords[wordOf(word, words, 'hold.lua')]
  const granted = numbersOf(grantedText)
  return {
    outcome,
    reading: {
      now: Number(now),
      factsRevision: revision,
      catalogueRevision: Number(catalogue),
      asOf: Math.max(Number(at), Number(seen)),
      isLowerBound: lowerBound !== '',
      decidedAt: Number(decidedAt),
      figures: pairsOf(numbersOf(figures)),
      granted,
      free: free.split(',').map(freeOf),
      deadline: deadline === '' ? null : Number(deadline),
      grounds: grounds === undefined ? null : String(grounds),
      answer: answer === undefined || answer === '' ? null : String(answer),
      open: outcome === 'held' ? opened(wish, granted, Number(now)) : openItems(open),
    },
  }
}

/** What a hold that was just placed holds. */
function opened({ items, occurredAt }: HoldWish, granted: readonly number[], now: Instant): OpenItem[] {
  return items.flatMap(({ meter, subject }, item) => {
    const quantity = granted[item] ?? 0
    return quantity === 0 ? [] : [{ item, meter, quantity, subject, occurredAt: occurredAt ?? now }]
  })
}

const words = Object.keys(holdWords) as (keyof typeof holdWords)[]

function numbersOf(text: string | undefined): readonly number[] {
  return text === undefined || text === '' ? [] : text.split(',').map(Number)
}

function pairsOf(numbers: readonly number[]): readonly { readonly used: number; readonly held: number }[] {
  return numbers.flatMap((used, index) => (index % 2 === 0 ? [{ used, held: numbers[index + 1] ?? 0 }] : []))
}

function freeOf(text: string): FreeReason | null {
  return text === 'm' ? 'member' : text === 'h' ? 'held' : null
}

/** Open holds in the order of their items; those that are resolved are left out. */
function openItems(raw: RawReply | undefined): readonly OpenItem[] {
  if (!Array.isArray(raw)) return []
  return raw.flatMap((line, item) => (line === '' ? [] : [openItem(String(line), item)]))
}

function openItem(line: string, item: number): OpenItem {
  const [, , quantity, time, meter = '', subject] = line.split('|')
  return {
    item,
    meter,
    quantity: Number(quantity),
    subject: subject === undefined || subject === '' ? null : subject,
    occurredAt: Number(time),
  }
}

const commitWords = {
  OK: 'committed',
  AGAIN: 'again',
  EXPIRED: 'expired',
  SETTLED: 'settled',
  RESOLVED: 'resolved',
  COUNT: 'count',
  TOO_MUCH: 'too_much',
} as const

/** What `commit.lua` says. */
export function commitReply(raw: RawReply): CommitOutcome {
  const [first, now, quantities, granted, open] = listOf(raw, 'commit.lua')
  if (first === 'REBUILDING') return { outcome: 'rebuilding' }
  if (first === 'UNKNOWN') return { outcome: 'unknown' }
  const word = wordOf(first ?? null, Object.keys(commitWords) as (keyof typeof commitWords)[], 'commit.lua')
  return {
    outcome: commitWords[word],
    now: Number(now),
    quantities: numbersOf(String(quantities)),
    granted: numbersOf(String(granted)),
    open: openItems(open),
  }
}

const releaseWords = {
  OK: 'released',
  REBUILDING: 'rebuilding',
  UNKNOWN: 'unknown',
  RESOLVED: 'resolved',
} as const

/** What `release.lua` says. */
export function releaseReply(raw: RawReply): ReleaseOutcome {
  return releaseWords[wordOf(raw, Object.keys(releaseWords) as (keyof typeof releaseWords)[], 'release.lua')]
}

const sweepWords = {
  REBUILDING: 'rebuilding',
  LATER: 'later',
  GONE: 'gone',
  RELEASED: 'released',
  PRODUCE: 'produce',
  DROPPED: 'dropped',
} as const

/** What `sweep.lua` says. */
export function sweepReply(raw: RawReply): SweepOutcome {
  const [first, now, open] = listOf(raw, 'sweep.lua')
  const word = wordOf(first ?? null, Object.keys(sweepWords) as (keyof typeof sweepWords)[], 'sweep.lua')
  return { outcome: sweepWords[word], now: Number(now), open: openItems(open) }
}
