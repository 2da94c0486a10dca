/** What a letter says of the record that it is about. */
export interface RefusedRecord {
  /** Where the record first stood; another place for one that was sent again. */
  readonly origin: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Append time of the record, ms, as it is to be restated. */
  readonly appendedAt: number
  readonly failedAt: number
}

/**
 * Which record a letter is about: the same however often the log is read and the record refused anew, another one for the
 * same record sent again, and for what stands in its place in a topic that was made anew.
 */
export function recordIdOf({
  topic,
  partition,
  offset,
  appendedAt,
}: Omit<RefusedRecord, 'origin' | 'failedAt'>): string {
  return `${topic}/${partition}/${offset}@${appendedAt}`
}

/**
 * Of each origin the record that was written last, by its newest letter; letters in the order in which they were written.
 *
 * A record is refused for the first time before it is sent again, so that tells which of them was written last; a letter
 * that it gets when the log is read again does not.
 */
export function lastRefused<Letter extends RefusedRecord>(letters: readonly Letter[]): readonly Letter[] {
  const records = new Map<string, { readonly first: number; readonly newest: Letter }>()
  for (const letter of letters) {
    const id = recordIdOf(letter)
    const known = records.get(id)
    const newest = known === undefined || known.newest.failedAt <= letter.failedAt ? letter : known.newest
    records.set(id, { first: Math.min(known?.first ?? letter.failedAt, letter.failedAt), newest })
  }
  const last = new Map<string, { readonly first: number; readonly newest: Letter }>()
  for (const record of records.values()) {
    const known = last.get(record.newest.origin)
    if (known === undefined || known.first <= record.first) last.set(record.newest.origin, record)
  }
  return [...last.values()].map(({ newest }) => newest)
}
