/**
 * How many facts of each kind are stored of a workspace: subscription versions, overrides, crossings.
 *
 * Written `<versions>.<overrides>.<crossings>`; a revision is newer when no part is lower and one is higher.
 */
export interface FactsRevision {
  readonly versions: number
  readonly overrides: number
  readonly crossings: number
}

/** The revision as text. */
export function formatRevision({ versions, overrides, crossings }: FactsRevision): string {
  return `${versions}.${overrides}.${crossings}`
}

/** A revision from its text; the empty one counts nothing. */
export function parseRevision(text: string): FactsRevision {
  const [versions = 0, overrides = 0, crossings = 0] = text.split('.').map(Number)
  return { versions, overrides, crossings }
}

/** Whether facts of revision `have` hold everything that `wanted` does; the empty revision wants nothing. */
export function coversRevision({ have, wanted }: { have: string; wanted: string }): boolean {
  if (wanted === '' || have === wanted) return true
  const wantedParts = wanted.split('.').map(Number)
  return have.split('.').every((part, index) => Number(part) >= (wantedParts[index] ?? 0))
}
