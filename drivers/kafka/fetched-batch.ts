import type { Batch } from 'kafkajs'

/** The offset that the fetch asked for; kafkajs keeps it but does not declare it. */
export function fetchedOffset(batch: Batch): number {
  return Number(Reflect.get(batch, 'fetchedOffset'))
}

/** The offset after a batch: after its last record, also where the log has legal holes. */
export function nextOffset(batch: Batch): number {
  return Number(batch.lastOffset()) + 1
}

interface Read {
  readonly position: number
  readonly appendedAt?: number | null
}

/**
 * Whether a batch shows that the log was made anew: a record before the position that was appended after all that were read.
 *
 * The client hands one out that found the position after the end, and began at the start: once the log has grown past it, nothing
 * else tells.
 */
export function isOfAnotherLog(batch: Batch, { position, appendedAt = null }: Read): boolean {
  const [first] = batch.messages
  if (appendedAt === null || first === undefined || Number(first.offset) >= position) return false
  return Number(first.timestamp) > appendedAt
}
