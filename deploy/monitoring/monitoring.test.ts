import { readFileSync } from 'node:fs'
import { parser } from '@prometheus-io/lezer-promql'
import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { apiEnv } from '#api/config.ts'
import { consumersEnv } from '#consumers/config.ts'
import { measureKafka } from '#drivers/kafka/measure-kafka.ts'
import { partitions } from '#drivers/kafka/topics.ts'
import { apiMetrics, consumerMetrics, createMetrics, sweeperMetrics } from '#drivers/metrics.ts'
import { measureReadiness } from '#drivers/readiness.ts'
import { measureShards } from '#drivers/redis/measure-shards.ts'
import { setupEnv } from '../setup.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<'summary' | 'description' | 'runbook_url', string>>
}

interface Panel {
  readonly title: string
  readonly type: string
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>
  readonly targets?: readonly { readonly expr: string }[]
}

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const alerts: readonly Alert[] = parse(read('alerts.yml')).groups.flatMap(
  (group: { readonly rules: readonly Alert[] }) => group.rules,
)
const panels: readonly Panel[] = JSON.parse(read('grafana-dashboard.json')).panels
const runbook = read('../../docs/operations.md')

/** Everything that the processes show, by name, with its labels. */
function shown(): ReadonlyMap<string, readonly string[]> {
  const registry = createMetrics()
  apiMetrics(registry)
  consumerMetrics(registry)
  sweeperMetrics(registry)
  measureReadiness(registry, {})
  measureShards(registry, { states: async () => [], now: () => 0 })
  measureKafka(registry, { subscriptionLag: async () => new Map(), silenceMs: () => ({}) })
  const metrics = registry.getMetricsAsArray()
  const entries = metrics.flatMap((metric): [string, readonly string[]][] => {
    const {
      name,
      type,
      labelNames = [],
    } = metric as unknown as {
      readonly name: string
      readonly type: string
      readonly labelNames?: readonly string[]
    }
    const suffixes = String(type) === 'histogram' ? ['_bucket', '_count', '_sum'] : ['']
    return suffixes.map((suffix) => [`${name}${suffix}`, [...labelNames, 'le']])
  })
  return new Map(entries)
}

/** Metrics that an expression names, with the labels it uses of each. */
function named(expr: string): readonly { readonly metric: string; readonly labels: readonly string[] }[] {
  const found = expr.matchAll(/\b((?:tallygate|nodejs|process)_\w+|up)\b(?:\{([^}]*)\})?/g)
  return [...found].map(([, metric = '', selector = '']) => {
    return { metric, labels: [...selector.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label) }
  })
}

/** Labels that Prometheus adds to each series. */
const added = ['job', 'instance']

const queries = [
  ...alerts.map(({ alert, expr }) => ({ where: alert, expr })),
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr }))),
]

test.for(queries)('$where: what it asks for is shown by a process, under these labels', ({ expr }) => {
  const metrics = shown()
  const used = named(expr)
  expect(used.length).toBeGreaterThan(0)
  const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/))
  for (const { metric, labels } of used.filter((one) => one.metric !== 'up')) {
    expect(metrics.has(metric), `${metric} is shown by no process`).toBe(true)
    expect([...(metrics.get(metric) ?? []), ...added]).toEqual(
      expect.arrayContaining([...labels, ...grouped]),
    )
  }
})

test.for(queries)('$where: what it asks is PromQL', ({ expr }) => {
  const faults: string[] = []
  const text = expr.replaceAll('$__rate_interval', '5m')
  parser.parse(text).iterate({
    enter: ({ type, from }) => {
      if (type.isError) faults.push(`at ${from} of ${text}`)
    },
  })
  expect(faults).toEqual([])
})

describe('alerts', () => {
  test('each has a page in the runbook under its own name, and each page is of an alert', () => {
    const pages = [...runbook.matchAll(/^### (Tallygate\w+)$/gm)].map(([, name]) => name)
    expect(pages.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted())
    for (const { alert, annotations } of alerts) {
      expect(annotations.runbook_url).toBe(`docs/operations.md#${alert.toLowerCase()}`)
    }
  })

  test('each says how urgent it is and what it means, and a label that its words name is one its expression keeps', () => {
    for (const { alert, expr, labels, annotations } of alerts) {
      expect(['page', 'ticket'], alert).toContain(labels.severity)
      expect(annotations.description, alert).toMatch(/^[A-Z0-9].{20,}\.$/)
      const kept = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/))
      const spoken = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
      expect([...kept, ...(expr.startsWith('up') ? added : [])], alert).toEqual(
        expect.arrayContaining(spoken),
      )
    }
  })
})

test('as many partitions are waited for as there are', () => {
  const { expr = '' } = alerts.find(({ alert }) => alert === 'TallygatePartitionsUncounted') ?? {}
  expect(expr).toMatch(new RegExp(` < ${partitions['usage.events']}$`))
})

test('panels of the dashboard do not lie on one another', () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24)
})

test('no metric is labelled by workspace, event, key or anything else there are many of', () => {
  const labels = new Set([...shown().values()].flat())
  const few = ['feature', 'reason', 'degraded', 'dependency', 'cause', 'route', 'status', 'outcome', 'topic']
  const ours = [...few, 'code', 'partition', 'meter', 'type', 'consumer', 'le']
  const nodes = ['kind', 'space', 'version', 'major', 'minor', 'patch', 'quantile']
  expect([...labels].filter((label) => ![...ours, ...nodes].includes(label))).toEqual([])
})

test('what Redis does not say is not shown, and what it says is the worst of all shards', async () => {
  const registry = new Registry()
  let states: Parameters<typeof measureShards>[1]['states'] = async () => {
    const shard = { covered: new Map(), isReady: true, lowerBounds: [3] }
    return [
      { ...shard, shard: 0, coveredAt: new Map([[0, 9_000]]) },
      { ...shard, shard: 1, coveredAt: new Map([[0, 4_000]]), isReady: false },
    ]
  }
  measureShards(registry, { states: () => states(), now: () => 10_000 })
  const said = await registry.metrics()
  expect(said).toContain('tallygate_shards_rebuilding 1')
  expect(said).toContain('tallygate_counters_behind_seconds{partition="0"} 6')
  expect(said).toContain('tallygate_use_missing_shards{partition="3"} 2')
  states = async () => Promise.reject(new Error('away'))
  expect((await registry.metrics()).split('\n').filter((line) => line.startsWith('tallygate'))).toEqual([])
})

test('the table of settings is that of the code', () => {
  const processes: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
    ['API', apiEnv],
    ['consumers', consumersEnv],
    ['set-up', setupEnv],
  ]
  const names = new Set(processes.flatMap(([, env]) => Object.keys(env)))
  const rows = [...names].map((name) => {
    const of = processes.filter(([, env]) => name in env)
    const { default: preset, description } = Object(of[0]?.[1][name])
    const shownPreset = name === 'CONSUMERS_NAME' ? 'consumers-<pid>' : preset
    const cell = shownPreset === undefined ? '–' : `\`${shownPreset}\``
    return `| \`${name}\` | ${of.map(([who]) => who).join(', ')} | ${cell} | ${description} |`
  })
  const table = runbook.slice(runbook.indexOf('## Settings'), runbook.indexOf('## Sizing'))
  const written = table.split('\n').filter((line) => line.startsWith('| `'))
  expect(written.map((line) => line.replaceAll(/ +/g, ' '))).toEqual(rows)
})
