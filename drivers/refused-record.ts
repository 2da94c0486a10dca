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

/** Of each origin the record that was written last, by its first letter: a record is refused before it is sent again. */
export function lastRefused<Letter extends RefusedRecord>(letters: readonly Letter[]): readonly Letter[] {
  const first = new Map<string, Letter>()
  for (const letter of letters) {
    const known = first.get(recordIdOf(letter))
    if (known === undefined || letter.failedAt < known.failedAt) first.set(recordIdOf(letter), letter)
  }
  const last = new Map<string, Letter>()
  for (const letter of first.values()) {
    const known = last.get(letter.origin)
    if (known === undefined || known.failedAt <= letter.failedAt) last.set(letter.origin, letter)
  }
  return [...last.values()]
}
