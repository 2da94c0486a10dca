import { createHash } from 'node:crypto'
import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { DAY_MS, type Instant, parseDay, parseInstant } from '#core/instant.ts'
import { APPEND_TIME_HEADER } from '#core/usage/append-time.ts'
import { indexMeters } from '#core/usage/measure.ts'
import { recordUsage } from '#core/usage/record-usage.ts'
import type { UsageEvent } from '#core/usage/usage-event.ts'
import type { RecordToWrite } from '#drivers/kafka/record-writer.ts'
import { faultOfRecord, faultOfSize } from '#schemas/encoder.ts'
import type { RecordName } from '#schemas/records.ts'
import { parseObject } from '../parse-object.ts'
import type { ReadLine } from '../send-records.ts'

const FIELDS: readonly string[] = ['workspace', 'takenAt', 'levels', 'members', 'used']
const ISO = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/

/** What the lines of an import have in common. */
export interface ImportContext {
  readonly catalogue: Catalogue
  /** Producing service that the counts come from. */
  readonly source: string
  /** When the counts were taken, for lines that do not say; null where each line must. */
  readonly takenAt: Instant | null
  /** What Kafka's clock is about to say. */
  readonly now: Instant
}

/** What happened: a record and its fields, before it has the envelope of its line. */
interface Draft {
  readonly record: RecordName
  readonly id: string
  readonly occurredAt: Instant
  readonly fields: Readonly<Record<string, unknown>>
}

/**
 * A reader of the lines of an import: the counts that a workspace had when they were taken.
 *
 * Its ids follow from what a line says, so the same line read twice within 72 hours counts once. It refuses by the
 * consumers' own rules: what it takes is no dead letter. Each record states as its append time when it happened, so it is
 * late for nothing. Counts that are too large for one record are stated meter by meter.
 */
export function importReader(context: ImportContext): (line: string) => ReadLine {
  const measuring = { catalogue: context.catalogue, index: indexMeters(context.catalogue) }
  return (line) => {
    const drafted = draftLine(line, context.takenAt)
    if ('fault' in drafted) return drafted
    const { workspace, drafts } = drafted
    const completed = ({ id, occurredAt, fields }: Draft) => {
      return { id, workspace, occurredAt, source: context.source, ...fields }
    }
    const records: RecordToWrite[] = []
    for (const draft of drafts) {
      const { record } = draft
      const value = completed(draft)
      const event: UsageEvent = { ...value, reservation: null }
      const appendTimeHeader = String(draft.occurredAt)
      const usage = { record, event, key: workspace, kafkaTime: context.now, appendTimeHeader }
      const recorded = recordUsage(usage, measuring)
      const fault = recorded.ok ? faultOfRecord(record, value) : `${recorded.code}: ${recorded.reason}`
      if (fault !== null) return { fault }
      const parts = faultOfSize(record, value) === null ? [value] : byMeter(draft).map(completed)
      for (const part of parts) {
        const tooLarge = faultOfSize(record, part)
        if (tooLarge !== null) return { fault: `${tooLarge}; ${wayOut(part)}` }
        records.push({ record, value: part, headers: { [APPEND_TIME_HEADER]: appendTimeHeader } })
      }
    }
    return records
  }
}

function wayOut({ workspace, members }: { readonly workspace: string; readonly members?: unknown }): string {
  const meters = Object.keys(Object(members)).join(', ')
  return `of ${workspace} state fewer members of ${meters}, and then send each of the others as a MeterEvent with action add (tallygate produce usage.events)`
}

type Drafted = { readonly workspace: string; readonly drafts: readonly Draft[] } | { readonly fault: string }

function draftLine(line: string, takenAtDefault: Instant | null): Drafted {
  const given = parseObject(line)
  if (given === null) return { fault: 'not a JSON object' }
  const unknown = Object.keys(given).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) return { fault: `"${unknown}" is none of ${FIELDS.join(', ')}` }
  const takenAt = given['takenAt'] === undefined ? takenAtDefault : instantOf(given['takenAt'])
  if (takenAt === null) return { fault: 'takenAt must be a time that exists, such as 2026-06-01T12:00:00Z' }
  const drafts = [...draftSnapshot(given, takenAt), ...draftUse(given['used'], takenAt)]
  if (drafts.length === 0) return { fault: 'it holds no counts: give levels, members or used' }
  const odd = drafts.find(({ occurredAt }) => !(occurredAt <= takenAt))
  if (odd !== undefined) return { fault: `used names a day that is none, or after takenAt: ${odd.id}` }
  return { workspace: String(given['workspace'] ?? ''), drafts }
}

function instantOf(value: unknown): Instant | null {
  return typeof value === 'string' && ISO.test(value) ? parseInstant(value) : null
}

function draftSnapshot(
  { levels = {}, members = {} }: Record<string, unknown>,
  takenAt: Instant,
): readonly Draft[] {
  const lists = Object.entries(Object(members)).map(([meter, subjects]): [string, unknown] => {
    const list = Array.isArray(subjects) ? subjects : [subjects]
    return [meter, list.map((subject: unknown) => ({ subject, since: takenAt }))]
  })
  const counts = { levels: sorted(Object.entries(Object(levels))), members: sorted(lists) }
  if (Object.keys({ ...counts.levels, ...counts.members }).length === 0) return []
  return [snapshotOf(counts, takenAt)]
}

interface Counts {
  readonly levels: Readonly<Record<string, unknown>>
  readonly members: Readonly<Record<string, unknown>>
}

/** A snapshot whose id follows from what it says; what was imported before has the same one for ever. */
function snapshotOf({ levels, members }: Counts, takenAt: Instant): Draft {
  const fields = { levels, members, takenAt }
  const hash = createHash('sha256').update(JSON.stringify(fields)).digest('hex')
  return { record: 'UsageSnapshotEvent', id: `import-${hash.slice(0, 32)}`, occurredAt: takenAt, fields }
}

/** The same counts as a snapshot of the levels and one of the members of each meter. */
function byMeter({ occurredAt, fields }: Draft): readonly Draft[] {
  const { levels, members }: Counts = Object(fields)
  const lists = Object.entries(members).map(
    ([meter, list]): Counts => ({ levels: {}, members: { [meter]: list } }),
  )
  const counts = Object.keys(levels).length === 0 ? lists : [{ levels, members: {} }, ...lists]
  return counts.map((part) => snapshotOf(part, occurredAt))
}

function sorted(entries: readonly (readonly [string, unknown])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Use by day: the last moment of each, so that it belongs to the window that was running then. */
function draftUse(used: unknown, takenAt: Instant): readonly Draft[] {
  return Object.entries(Object(used)).flatMap(([meter, days]) =>
    Object.entries(Object(days)).map(([day, quantity]): Draft => {
      const start = parseDay(day.replace(DAY, '$1$2$3')) ?? Number.NaN
      const isToday = start <= takenAt && takenAt < start + DAY_MS
      const occurredAt = isToday ? takenAt : start + DAY_MS - 1
      return {
        record: 'MeterEvent',
        id: `import-${meter}-${day}`,
        occurredAt,
        fields: { meter, quantity, action: 'add' },
      }
    }),
  )
}
