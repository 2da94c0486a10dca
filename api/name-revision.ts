import type { RequestLog } from './context.ts'

/** Who is told of a revision of the catalogue. */
interface NameDeps {
  /** Reads it into this process. */
  readonly refresh: () => Promise<unknown>
  /** Tells every shard, and so all processes. */
  readonly raise: (revision: number) => Promise<unknown>
  /** Lets go of what was decided by the one before. */
  readonly forgetAll: () => void
}

/**
 * Makes a revision that was just stored be seen by the next read of every process.
 *
 * Never throws: it is stored, whatever does not answer now, and who was told otherwise would send it again and hear of a
 * conflict with himself. Processes read new revisions by themselves, and the consumers tell the shards again.
 */
export async function nameRevision(deps: NameDeps, revision: number, log: RequestLog): Promise<void> {
  const failed = (error: unknown): void => {
    log.warn({ err: error, revision }, 'the new catalogue was stored; checks see it within 5 s')
  }
  await deps.refresh().catch(failed)
  await deps.raise(revision).catch(failed)
  deps.forgetAll()
}
