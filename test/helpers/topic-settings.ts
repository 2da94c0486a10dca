import kafkajs, { type Admin } from 'kafkajs'

type Settings = Readonly<Record<string, string>>

/** Gives a topic these settings, beside what the broker sets by itself; what is given back sets it as it was. */
export async function changeTopic(
  admin: Admin,
  topic: string,
  settings: Settings,
): Promise<() => Promise<void>> {
  const before = await settingsOf(admin, topic)
  await alter(admin, topic, { ...before, ...settings })
  return () => alter(admin, topic, before)
}

async function alter(admin: Admin, topic: string, settings: Settings): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }]
  await admin.alterConfigs({ validateOnly: false, resources })
}

/** What was set on the topic itself. */
async function settingsOf(admin: Admin, name: string): Promise<Settings> {
  const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }]
  const described = await admin.describeConfigs({ resources, includeSynonyms: false })
  const own = described.resources.flatMap(({ configEntries }) =>
    configEntries.filter((one) => !one.isDefault),
  )
  return Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue]))
}
