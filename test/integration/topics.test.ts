import kafkajs, { type Admin } from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { ensureTopics } from '#drivers/kafka/topics.ts'
import { createLogger } from '#drivers/log.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'

let admin: Admin
beforeAll(async () => {
  const log = createLogger('test', 'silent')
  admin = connectKafka({ brokers: engineAddresses().kafka, clientId: 'test', log }).admin()
  await admin.connect()
  await ensureTopics(admin, 1)
})
afterAll(() => admin.disconnect())

/** Gives a topic these settings, beside what the broker sets by itself, until the test is over. */
async function change(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const before = await settingsOf(topic)
  onTestFinished(() => alter(topic, before))
  await alter(topic, { ...before, ...settings })
}

async function alter(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }]
  await admin.alterConfigs({ validateOnly: false, resources })
}

/** What was set on the topic itself. */
async function settingsOf(name: string): Promise<Readonly<Record<string, string>>> {
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }]
  const described = await admin.describeConfigs({ resources, includeSynonyms: false })
  const own = described.resources.flatMap(({ configEntries }) =>
    configEntries.filter((one) => !one.isDefault),
  )
  return Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue]))
}

test('topics: one that was made elsewhere with settings that lose or misjudge events is refused, each by its name', async () => {
  await change('usage.events', { 'message.timestamp.type': 'CreateTime', 'cleanup.policy': 'compact' })
  await change('dead.letters', { 'max.message.bytes': '1048588' })
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
