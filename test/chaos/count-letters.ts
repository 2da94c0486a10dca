import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'

/** How many dead letters there are. */
export async function countLetters(brokers: string): Promise<number> {
  const log = createLogger('test', 'silent')
  const admin = connectKafka({ brokers, clientId: 'letters', log }).admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets('dead.letters')
  await admin.disconnect()
  return ends.reduce((sum, { high }) => sum + Number(high), 0)
}
