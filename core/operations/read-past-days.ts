import type { Day } from '../instant.ts'
import type { DayArchive, PastDays } from '../ports.ts'
import { type DayFigures, mergeFigures } from '../usage/past-days.ts'

/** What a chain of pages says from a day on; nothing without a newest page. */
export async function readPastDays(
  archive: DayArchive,
  newest: string | null,
  from: Day,
): Promise<DayFigures> {
  const pages: PastDays[] = []
  for (let name = newest; name !== null; ) {
    const page = await archive.page(name)
    if (page.through < from) break
    pages.push(page)
    name = page.previous
  }
  return pages.toReversed().reduce<DayFigures>((older, { figures }) => mergeFigures(older, figures), {})
}
