import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { deadLetterCodes } from '#core/errors.ts'
import { measureKafka } from './kafka/measure-kafka.ts'
import { apiMetrics, consumerMetrics, sweeperMetrics } from './metrics.ts'
import { measureReadiness } from './readiness.ts'
import { measureShards } from './redis/measure-shards.ts'

function everything(): Registry {
  const registry = new Registry()
  apiMetrics(registry)
  consumerMetrics(registry)
  sweeperMetrics(registry)
  measureKafka(registry, { subscriptionLag: async () => new Map(), silenceMs: () => ({}) })
  measureShards(registry, { states: async () => [], now: () => 0 })
  measureReadiness(registry, {})
  return registry
}

test('metrics: names follow the conventions: a prefix, a unit last, _total for what only grows', () => {
  const units: Readonly<Record<string, RegExp>> = {
    counter: /^tallygate_[a-z_]+_total$/,
    histogram: /^tallygate_[a-z_]+_seconds$/,
    gauge: /^tallygate_[a-z_]+_(seconds|records|shards|open|up|rebuilding)$/,
  }
  const wrong = everything()
    .getMetricsAsArray()
    .filter((metric) => {
      const type = String(Reflect.get(metric, 'type'))
      return !units[type]?.test(metric.name) || metric.help === ''
    })
  expect(wrong.map(({ name }) => name)).toEqual([])
})

test('metrics: none that the code makes is left out here', () => {
  const root = join(import.meta.dirname, '..')
  const made = globSync('{api,consumers,drivers}/**/*.ts', { cwd: root }).flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/^\s+name: '(tallygate_\w+)'/gm)].map(
      ([, name]) => name,
    ),
  )
  const known = everything().getMetricsAsArray()
  expect(made.toSorted()).toEqual(known.map(({ name }) => name).toSorted())
})

test('decisions: counted by feature and reason, those by policy apart, and each once over many scrapes', async () => {
  const registry = new Registry()
  const { decisions } = apiMetrics(registry)
  decisions.note({ feature: 'leads', reason: 'within_limit', degraded: false })
  decisions.note({ feature: 'leads', reason: 'within_limit', degraded: false })
  await registry.metrics()
  decisions.note({ feature: 'leads', reason: 'within_limit', degraded: false })
  decisions.note({ feature: 'leads', reason: 'degraded_allow', degraded: true })
  const text = await registry.metrics()
  for (const line of [
    'tallygate_decisions_total{feature="leads",reason="within_limit",degraded="false"} 3',
    'tallygate_decisions_total{feature="leads",reason="within_limit",degraded="true"} 0',
    'tallygate_decisions_total{feature="leads",reason="degraded_allow",degraded="true"} 1',
  ])
    expect(text.split('\n')).toContain(line)
})

test('dead letters: every code is there at 0 before the first, or its alert would not see it', async () => {
  const text = await everything().metrics()
  for (const code of deadLetterCodes)
    expect(text).toContain(`tallygate_dead_letters_total{topic="usage.events",code="${code}"} 0\n`)
})

test('scrape: subscriptions that wait and what Kafka does not say; a Kafka that is away costs its own figure alone', async () => {
  const registry = new Registry()
  let subscriptionLag = async (): Promise<ReadonlyMap<number, number>> => new Map([[1, 4]])
  measureKafka(registry, { subscriptionLag: () => subscriptionLag(), silenceMs: () => ({ usage: 250 }) })
  expect(await registry.metrics()).toContain('tallygate_subscription_lag_records{partition="1"} 4\n')
  subscriptionLag = async () => Promise.reject(new Error('Kafka is away'))
  const text = await registry.metrics()
  expect(text).not.toMatch(/^tallygate_subscription_lag_records\{/m)
  expect(text).toContain('tallygate_kafka_silence_seconds{consumer="usage"} 0.25\n')
})
