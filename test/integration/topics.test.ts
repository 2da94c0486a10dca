import type { Admin } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { ensureTopics } from '#drivers/kafka/topics.ts'
import { createLogger } from '#drivers/log.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { changeTopic } from '#test/helpers/topic-settings.ts'

let admin: Admin
beforeAll(async () => {
  const log = createLogger('test', 'silent')
  admin = connectKafka({ brokers: engineAddresses().kafka, clientId: 'test', log }).admin()
  await admin.connect()
  await ensureTopics(admin, 1)
})
afterAll(() => admin.disconnect())

test('topics: one that was made elsewhere with settings that lose or misjudge events is refused, each by its name', async () => {
  onTestFinished(
    await changeTopic(admin, 'usage.events', {
      'message.timestamp.type': 'CreateTime',
      'cleanup.policy': 'compact',
    }),
  )
  onTestFinished(await changeTopic(admin, 'dead.letters', { 'max.message.bytes': '1048588' }))
  const refusal: unknown = await ensureTopics(admin, 1).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'invalid_config' })
  expect(String(Object(refusal).message).split('\n').sort()).toEqual([
    'topic dead.letters has max.message.bytes=1048588: a large record could not be set aside, and its partition would stand still; kafka-configs --alter --topic dead.letters --add-config max.message.bytes=2097152',
    'topic usage.events has cleanup.policy=compact: of each workspace the newest record alone would be kept; kafka-configs --alter --topic usage.events --add-config cleanup.policy=delete',
    'topic usage.events has message.timestamp.type=CreateTime: what is late, and when an id is forgotten, would follow the clocks of producers; kafka-configs --alter --topic usage.events --add-config message.timestamp.type=LogAppendTime',
  ])
})

test('topics: those of the set-up are what it asks for', async () => {
  await expect(ensureTopics(admin, 1)).resolves.toBeUndefined()
})
