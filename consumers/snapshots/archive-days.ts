import { DAY_MS, type Day, dayOf, type Instant } from '#core/instant.ts'
import type { PastDays } from '#core/ports.ts'
import { COUNTED_AFTER_LAPSE_MS } from '#core/subscription/billing-window.ts'
import { ARCHIVE_FIELD, parseDayField } from '#core/usage/counter-fields.ts'
import { type DayFigures, mergeFigures } from '#core/usage/past-days.ts'
import type { PageStore } from '#drivers/mongo/usage-days.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import type { ShardKeys } from '#drivers/redis/keys.ts'
import { type SnapshotRow, takeDays } from '#drivers/redis/snapshot-scripts.ts'

/** Days that the counters keep: more than a month is long (counting.md, "Keys"). */
const DAYS_KEPT = 40
/** A page with so many figures is full: the next one begins anew and names it. */
const PAGE_FIGURES = 64

interface ArchiveDeps {
  readonly redis: Redis
  readonly days: PageStore
  readonly nonce: () => string
}

interface ArchiveInput {
  readonly keys: ShardKeys
  readonly incarnation: string
  /** The workspace as it was read for a snapshot. */
  readonly row: SnapshotRow
  readonly through: Day
  /** Meters whose last window goes on after a lapse: days of use up to which are archived. */
  readonly lasting?: Lasting
}

interface Lasting {
  readonly meters: readonly string[]
  readonly through: Day
}

/** The last day that is archived when everything appended up to an instant was applied. */
export function archivedThrough(applied: Instant): Day {
  return dayOf(Math.max(applied - (DAYS_KEPT + 1) * DAY_MS, 0))
}

/** The same for days of use that belong to a window which a lapse left standing. */
export function archivedThroughLapse(applied: Instant): Day {
  return archivedThrough(applied - COUNTED_AFTER_LAPSE_MS)
}

/**
 * Moves a workspace's past days from the counters to a page in MongoDB.
 *
 * The page is inserted under a new name first; then one script takes the days out of the counters and names the
 * page there, if nothing changed since they were read. So counters and the chain of pages that they name always say
 * the same together, whatever state Redis goes back to; a page that nobody names is harmless (ADR 0008).
 */
export async function archiveDays({ redis, days, nonce }: ArchiveDeps, input: ArchiveInput): Promise<void> {
  const { keys, incarnation, row, through } = input
  const past = Object.entries(row.fields).filter(([name]) => isPast(name, input))
  if (past.length === 0) return
  const before = row.fields[ARCHIVE_FIELD] ?? ''
  const newest = before === '' ? null : await days.page(before)
  const after = `${row.workspace}/${through}/${incarnation}-${nonce()}`
  await days.insert(after, nextPage({ name: before, newest }, { through, figures: figuresOf(past) }))
  const fields = Object.fromEntries(past)
  await takeDays(redis, { keys, incarnation, workspace: row.workspace, before, after, fields })
}

function isPast(name: string, { through, lasting }: ArchiveInput): boolean {
  const field = parseDayField(name)
  if (field === null) return false
  const isLasting = field.kind !== 'level' && lasting?.meters.includes(field.meter) === true
  return field.day <= (isLasting ? lasting.through : through)
}

/** Splits of a day are dropped: its windows are over. */
function figuresOf(past: readonly (readonly [string, string])[]): DayFigures {
  const kept = past.filter(([name]) => parseDayField(name)?.kind !== 'split')
  return Object.fromEntries(kept.map(([name, value]) => [name, Number(value)]))
}

interface Before {
  readonly name: string
  readonly newest: PastDays | null
}

function nextPage(
  { name, newest }: Before,
  { through, figures }: { readonly through: Day; readonly figures: DayFigures },
): PastDays {
  const latest = newest !== null && newest.through > through ? newest.through : through
  const isFull = newest !== null && Object.keys(newest.figures).length >= PAGE_FIGURES
  if (newest === null || isFull) return { through: latest, previous: newest === null ? null : name, figures }
  return { through: latest, previous: newest.previous, figures: mergeFigures(newest.figures, figures) }
}
