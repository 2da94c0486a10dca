import type { Db } from 'mongodb'
import type { Logger } from 'pino'
import { LetterLog } from '#drivers/mongo/letter-log.ts'

/** Letters in MongoDB, which takes old ones away by itself if it can be told to. */
export async function openLetterLog(db: Db, log: Logger): Promise<LetterLog> {
  const letters = new LetterLog(db)
  await letters.expireOld().catch((error: unknown) => {
    log.warn({ err: error }, 'MongoDB will not take old dead letters away by itself')
  })
  return letters
}
