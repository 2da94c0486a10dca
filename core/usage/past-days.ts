/** Figures of past days by field name, `<meter>:<yyyymmdd>` used or `…:l` last level. */
export type DayFigures = Readonly<Record<string, number>>

/**
 * Puts figures on top of older ones: units used add up, of levels the newer one holds.
 *
 * A day may stand in several pages, because a restated record can come for a day that is long past.
 */
export function mergeFigures(older: DayFigures, newer: DayFigures): DayFigures {
  const merged: Record<string, number> = { ...older }
  for (const [name, value] of Object.entries(newer)) {
    merged[name] = name.endsWith(':l') ? value : (merged[name] ?? 0) + value
  }
  return merged
}
