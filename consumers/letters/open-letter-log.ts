import type { Db } from 'mongodb'
import type { Logger } from 'pino'
import { systemClock } from '#drivers/clock.ts'
import { LetterLog } from '#drivers/mongo/letter-log.ts'

/** Letters in MongoDB; old ones are taken away, and indexes made where they are not there. */
export async function openLetterLog(db: Db, log: Logger): Promise<LetterLog> {
  const letters = new LetterLog(db)
  const indexing = letters.index().catch((error: unknown) => {
    log.warn({ err: error }, 'dead letters have no indexes: whoever looks some up reads all of them')
  })
  const [takenAway] = await Promise.all([letters.expireOld(systemClock), indexing])
  log.debug({ takenAway }, 'old dead letters are taken away')
  return letters
}
