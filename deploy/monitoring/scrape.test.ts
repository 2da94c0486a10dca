import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'

interface Rule {
  readonly source_labels: readonly string[]
  readonly regex: string
  readonly action?: 'keep'
  readonly replacement?: string
  readonly target_label?: string
}

type Labels = Readonly<Record<string, string>>

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const { scrape_configs: jobs } = parse(read('prometheus-kubernetes.yml'))
const rules: readonly Rule[] = jobs[0].relabel_configs

/** What Prometheus makes of a target: a rule's expression matches the whole of its labels, joined; null = not scraped. */
function relabelled(labels: Labels): Labels | null {
  let now = labels
  for (const { source_labels, regex, action, replacement = '$1', target_label = '' } of rules) {
    const text = source_labels.map((name) => now[name] ?? '').join(';')
    const isMatch = new RegExp(`^(?:${regex})$`)
    if (action === 'keep' && !isMatch.test(text)) return null
    if (action === undefined && isMatch.test(text))
      now = { ...now, [target_label]: text.replace(isMatch, replacement) }
  }
  return now
}

/** What the discovery says of the pods of a manifest, at a port that is not the one of the metrics. */
function targetOf(manifest: string, change: Labels = {}): Labels {
  const deployment = parseAllDocuments(read(`../kubernetes/${manifest}`)).map((one) => one.toJS())[0]
  const { labels, annotations } = deployment.spec.template.metadata
  const named = (kind: string, from: Labels) =>
    Object.entries(from).map(([name, value]) => [
      `__meta_kubernetes_pod_${kind}_${name.replaceAll(/[^a-zA-Z0-9]/g, '_')}`,
      value,
    ])
  const meta = Object.fromEntries([...named('label', labels), ...named('annotation', annotations)])
  return { job: jobs[0].job_name, __address__: '10.1.2.3:1', ...meta, ...change }
}

test.for([
  ['api.yaml', 'tallygate-api', '10.1.2.3:8082'],
  ['consumers.yaml', 'tallygate-consumers', '10.1.2.3:8090'],
] as const)(
  'scrape: the pods of %s are %s, as the alerts and the local scrape call them',
  ([file, job, address]) => {
    expect(relabelled(targetOf(file))).toMatchObject({
      job,
      __address__: address,
      __metrics_path__: '/metrics',
    })
    const local: readonly { job_name: string }[] = parse(read('prometheus.yml')).scrape_configs
    expect(local.map(({ job_name }) => job_name)).toContain(job)
    const asked = [...read('alerts.yml').matchAll(/job=~?"([^"]+)"/g)].map(
      ([, regex = '']) => new RegExp(`^${regex}$`),
    )
    expect(asked.length).toBeGreaterThan(0)
    for (const regex of asked) expect(job).toMatch(regex)
  },
)

test('scrape: pods of others are left alone', () => {
  expect(
    relabelled(targetOf('api.yaml', { __meta_kubernetes_pod_label_app_kubernetes_io_name: 'crm' })),
  ).toBeNull()
})
