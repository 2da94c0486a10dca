import type { Db } from 'mongodb'
import type { Logger } from 'pino'
import { systemClock } from '#drivers/clock.ts'
import { LetterLog } from '#drivers/mongo/letter-log.ts'

/** Letters in MongoDB; old ones are taken away. */
export async function openLetterLog(db: Db, log: Logger): Promise<LetterLog> {
  const letters = new LetterLog(db)
  const takenAway = await letters.expireOld(systemClock)
  log.debug({ takenAway }, 'old dead letters are taken away')
  return letters
}
