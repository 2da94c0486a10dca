import { setTimeout as pause } from 'node:timers/promises'
import type { Admin, KafkaMessage } from 'kafkajs'
import type { Actor } from '#core/audit/audit-entry.ts'
import {
  type Letter,
  letterDecoder,
  readLetter,
  readUsage,
  recordAgain,
  usageIn,
} from '#drivers/kafka/letters.ts'
import { GatheringProducer } from '#drivers/kafka/producer.ts'
import { type LogRange, readRanges, scanTopic } from '#drivers/kafka/scan-topic.ts'
import { AuditLog } from '#drivers/mongo/audit-log.ts'
import { RedriveLog } from '#drivers/mongo/redrive-log.ts'
import { requireKnownSchemas } from '#drivers/mongo/schema-log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import type { Decoder } from '#schemas/decoder.ts'
import type { Engines } from '../engines.ts'
import { startProgress } from '../progress.ts'
import {
  judgeLetter,
  type LetterFilter,
  type Selected,
  type Skipped,
  selectLetters,
} from './select-letters.ts'

const LETTERS = 'dead.letters'
/** Letters on their way at once. */
const AT_ONCE = 500
/** Letters that the audit names one by one. */
const ORIGINS_MAX = 1_000
/** How long the consumers may take to read what was sent again. */
const READ_WITHIN_MS = 60_000
const groups = { 'usage.events': 'tallygate-usage', 'subscription.events': 'tallygate-subscription' } as const

/** What was found and done, by code. */
export interface RedriveReport {
  readonly code: string
  readonly found: number
  readonly sentBefore: number
  /** Left out because they are too large to be kept whole, or to be read. */
  readonly cut: number
  /** Left out because they set counters. */
  readonly statesCount: number
  /** Of those to be sent or sent: older than ids are remembered, so that each counts again if it was counted before. */
  readonly mayCountAgain: number
  readonly sent: number
  /** Refused again; null while the consumers have not read everything. */
  readonly refusedAgain: number | null
}

interface RedriveInput {
  readonly registry: string
  readonly filter: LetterFilter
  /** Send those that set counters, too. */
  readonly countsToo: boolean
  readonly isDryRun: boolean
  /** Told what is about to be sent, before any of it is. */
  readonly onSelected: (report: readonly RedriveReport[]) => void
  readonly now: number
  readonly by: Actor
}

/** Finds dead letters and, unless it is a dry run, sends their records again and tells what became of them. */
export async function redriveLetters(
  engines: Engines,
  input: RedriveInput,
): Promise<readonly RedriveReport[]> {
  const registry = new SchemaRegistry(input.registry)
  await requireKnownSchemas(engines.mongo.db, registry)
  const decoder = letterDecoder(registry, () => performance.now())
  const read = letterReader(engines, decoder)
  const ends = await readRanges(engines.admin, LETTERS)
  const log = new RedriveLog(engines.mongo.db)
  const meant = selectLetters(await read(ends, 'letters'), input.filter)
  await decoder.prepare(usageIn(meant).map(({ value }) => value))
  const selected: Selected[] = []
  for (const letter of meant) {
    const wasSent = (await log.redrivenAt(letter)) !== null
    selected.push(judgeLetter({ letter, usage: readUsage(decoder, letter), wasSent }, input))
  }
  const letters = selected.flatMap(({ letter, skipped }) => (skipped === null ? [letter] : []))
  if (input.isDryRun || letters.length === 0) return reportOf(selected, { sent: false, refused: null })
  input.onSelected(reportOf(selected, { sent: false, refused: null }))
  await new AuditLog(engines.mongo.db).appendBulk({
    action: 'redrive',
    at: input.now,
    by: input.by,
    subject: `${letters.length} letters`,
    details: {
      ...input.filter,
      to: finite(input.filter.to),
      countsToo: input.countsToo,
      origins: letters.map(({ origin }) => origin).slice(0, ORIGINS_MAX),
    },
  })
  await sendAgain(engines, { letters, log, redrivenAt: input.now, redrivenBy: `cli:${input.by.id}` })
  const isRead = await waitForConsumers(engines.admin, new Set(letters.map(({ topic }) => topic)))
  if (!isRead) return reportOf(selected, { sent: true, refused: null })
  const after = await readRanges(engines.admin, LETTERS)
  const fresh = after.map((range) => ({
    ...range,
    low: ends.find(({ partition }) => partition === range.partition)?.high ?? range.low,
  }))
  return reportOf(selected, { sent: true, refused: await read(fresh, 'new letters') })
}

function finite(instant: number): number | null {
  return Number.isFinite(instant) ? instant : null
}

type ReadLetters = (ranges: readonly LogRange[], what: string) => Promise<readonly Letter[]>

function letterReader({ kafka }: Engines, decoder: Decoder): ReadLetters {
  return async (ranges, what) => {
    const letters: Letter[] = []
    const progress = startProgress(
      what,
      ranges.reduce((sum, { low, high }) => sum + high - low, 0),
    )
    const onRecords = async (_partition: number, records: readonly KafkaMessage[]): Promise<void> => {
      await decoder.prepare(records.map(({ value }) => value))
      for (const record of records) {
        const letter = readLetter(decoder, record)
        if (letter !== null) letters.push(letter)
      }
      progress.add(records.length)
    }
    await scanTopic({ kafka, topic: LETTERS, ranges, onRecords }).finally(() => progress.stop())
    return letters
  }
}

interface SendInput {
  readonly letters: readonly Letter[]
  readonly log: RedriveLog
  readonly redrivenAt: number
  readonly redrivenBy: string
}

/**
 * Kafka has a record before it is noted as sent; cut off in between, it is sent once more, and its id counts once where
 * that is within 72 h.
 */
async function sendAgain({ kafka }: Engines, { letters, log, ...by }: SendInput): Promise<void> {
  const producer = new GatheringProducer(kafka)
  const progress = startProgress('records sent', letters.length)
  await producer.start()
  try {
    for (let from = 0; from < letters.length; from += AT_ONCE) {
      const slice = letters.slice(from, from + AT_ONCE)
      await Promise.all(slice.map((letter) => producer.send(recordAgain(letter))))
      for (const letter of slice) await log.append(letter, by)
      progress.add(slice.length)
    }
  } finally {
    progress.stop()
    await producer.stop()
  }
}

/** Waits until the consumers' positions are past everything that is in the topics now. */
async function waitForConsumers(admin: Admin, topics: ReadonlySet<string>): Promise<boolean> {
  const deadline = performance.now() + READ_WITHIN_MS
  for (const [topic, groupId] of Object.entries(groups)) {
    if (!topics.has(topic)) continue
    const ends = await readRanges(admin, topic)
    while (!(await isPast(admin, { topic, groupId, ends }))) {
      if (performance.now() > deadline) return false
      await pause(250)
    }
  }
  return true
}

interface PastInput {
  readonly topic: string
  readonly groupId: string
  readonly ends: readonly LogRange[]
}

async function isPast(admin: Admin, { topic, groupId, ends }: PastInput): Promise<boolean> {
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return ends.every(({ partition, high }) => {
    const own = committed?.partitions.find((entry) => entry.partition === partition)
    return high === 0 || Number(own?.offset ?? -1) >= high
  })
}

function reportOf(
  selected: readonly Selected[],
  { sent, refused }: { readonly sent: boolean; readonly refused: readonly Letter[] | null },
): readonly RedriveReport[] {
  const again = new Set(refused?.map(({ origin }) => origin))
  return [...Map.groupBy(selected, ({ letter }) => letter.code)].map(([code, own]) => {
    const countOf = (why: Skipped): number => own.filter(({ skipped }) => skipped === why).length
    const fresh = own.filter(({ skipped }) => skipped === null)
    return {
      code,
      found: own.length,
      sentBefore: countOf('sent again before'),
      cut: countOf('is too large'),
      statesCount: countOf('states a count'),
      mayCountAgain: own.filter(({ mayCountAgain }) => mayCountAgain).length,
      sent: sent ? fresh.length : 0,
      refusedAgain: refused === null ? null : fresh.filter(({ letter }) => again.has(letter.origin)).length,
    }
  })
}
