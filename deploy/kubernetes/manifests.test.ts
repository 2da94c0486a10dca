import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { apiConfig, apiEnv } from '#api/config.ts'
import { consumersConfig, consumersEnv } from '#consumers/config.ts'
import { readEnv } from '#drivers/env.ts'
import { partitions } from '#drivers/kafka/topics.ts'
import { setupEnv } from '../setup.ts'

type Labels = Readonly<Record<string, string>>

interface Variable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } }
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

interface Container {
  readonly name: string
  readonly image: string
  readonly args: readonly string[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env: readonly Variable[]
  readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[]
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
  readonly securityContext: unknown
  readonly resources: {
    readonly requests: { readonly cpu: string; readonly memory: string }
    readonly limits: { readonly memory: string }
  }
}

interface Pod {
  readonly metadata: { readonly labels: Labels; readonly annotations?: Labels }
  readonly spec: {
    readonly terminationGracePeriodSeconds?: number
    readonly automountServiceAccountToken: boolean
    readonly securityContext: unknown
    readonly containers: readonly [Container]
  }
}

/** Whatever a manifest says; each test looks at what its kind has. */
interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Labels
  readonly spec: {
    readonly template: Pod
    readonly selector: Labels & { readonly matchLabels: Labels }
    readonly podSelector: { readonly matchLabels: Labels }
    readonly ports: readonly { readonly port: number; readonly targetPort: string }[]
    readonly ingress?: readonly { readonly ports: readonly { readonly port: string }[] }[]
    readonly scaleTargetRef: { readonly name: string }
    readonly minReplicas?: number
    readonly maxReplicaCount: number
    readonly triggers: readonly { readonly metadata: Labels }[]
    readonly secretTargetRef: readonly { readonly name: string; readonly key: string }[]
  }
}

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')
const BY_LAG = '../kubernetes-by-lag/'
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.yaml'))
const all = [...files, `${BY_LAG}scaled-object.yaml`].flatMap((file) =>
  parseAllDocuments(read(file)).map((one): Manifest => one.toJS()),
)
const ofKind = (kind: string): readonly Manifest[] => all.filter((one) => one.kind === kind)
const programs = [...ofKind('Deployment'), ...ofKind('Job')]
const podOf = (name: string): Pod => {
  const found = programs.find(({ metadata }) => metadata.name.startsWith(`tallygate-${name}`))
  if (found === undefined) throw new Error(`no manifest of ${name}`)
  return found.spec.template
}

/** Secrets as an operator would give them; README.md lists their names. */
const secrets: Labels = {
  REDIS_URL: 'rediss+cluster://tallygate:word@redis-0:6379,redis-1:6379',
  MONGODB_URL:
    'mongodb://tallygate:word@mongo-0:27017,mongo-1:27017,mongo-2:27017/tallygate?replicaSet=rs0&tls=true',
  KAFKA_SASL_USERNAME: 'tallygate',
  KAFKA_SASL_PASSWORD: 'word',
  TALLYGATE_KEY_PEPPER: 'f3a91c07d25b846e'.repeat(2),
}

/** The environment that a container would have. */
function envOf({ env, envFrom }: Container): Labels {
  const maps = envFrom.map(({ configMapRef }) =>
    ofKind('ConfigMap').find((map) => map.metadata.name === configMapRef.name),
  )
  const own = env.map(({ name, value, valueFrom }): [string, string] => {
    const key = valueFrom?.secretKeyRef?.key
    return [name, value ?? (key === undefined ? 'of the pod' : (secrets[key] ?? ''))]
  })
  return { ...Object.assign({}, ...maps.map((map) => map?.data)), ...Object.fromEntries(own) }
}

test('every setting of every container is one that its process knows, and together they are accepted', () => {
  const read = {
    api: [apiEnv, apiConfig],
    consumers: [consumersEnv, consumersConfig],
    setup: [setupEnv, (env: Labels) => readEnv(setupEnv, env)],
  } as const
  const known = new Set(Object.values(read).flatMap(([settings]) => Object.keys(settings)))
  for (const [name, [settings, accept]] of Object.entries(read)) {
    const [container] = podOf(name).spec.containers
    for (const variable of container.env) expect(Object.keys(settings), name).toContain(variable.name)
    expect(Object.keys(envOf(container)).filter((variable) => !known.has(variable))).toEqual([])
    expect(() => accept({ ...envOf(container) }), name).not.toThrow()
    expect(accept({ ...envOf(container) }), name).toMatchObject({ KAFKA_SSL: true })
  }
})

test('every secret that is read is one that the README has an operator make, and none stands in a file', () => {
  const readme = read('README.md')
  const keda = new Set(ofKind('Secret').map(({ metadata }) => metadata.name))
  const refs = [
    ...programs
      .flatMap(({ spec }) => spec.template.spec.containers[0].env)
      .flatMap((one) => one.valueFrom?.secretKeyRef ?? []),
    ...ofKind('TriggerAuthentication').flatMap(({ spec }) => spec.secretTargetRef),
  ]
  for (const { name, key } of refs.filter((ref) => !keda.has(ref.name))) {
    expect(name).toBe('tallygate')
    expect(readme).toContain(`--from-literal=${key}=`)
  }
  expect(Object.keys(ofKind('ConfigMap')[0]?.data ?? {}).filter((name) => name in secrets)).toEqual([])
})

test('the first key can be made where the README says: the container has what the command asks for', () => {
  const [, program, command] =
    /exec deploy\/(\S+) -- node (cli\/main\.ts key create) /.exec(read('README.md')) ?? []
  const deployment = ofKind('Deployment').find(({ metadata }) => metadata.name === program)
  const env = deployment === undefined ? {} : envOf(deployment.spec.template.spec.containers[0])
  expect(command).toBe('cli/main.ts key create')
  for (const name of ['MONGODB_URL', 'TALLYGATE_KEY_PEPPER']) expect(env[name], name).toBeTruthy()
})

test('ports, probes, services and policies name what a process listens on', () => {
  const listens = { api: { http: 'API_PORT', admin: 'ADMIN_PORT' }, consumers: { health: 'CONSUMERS_PORT' } }
  for (const [name, variables] of Object.entries(listens)) {
    const { metadata, spec } = podOf(name)
    const [container] = spec.containers
    const env = envOf(container)
    const ports = Object.fromEntries(
      (container.ports ?? []).map((one) => [one.name, String(one.containerPort)]),
    )
    expect(ports).toEqual(
      Object.fromEntries(Object.entries(variables).map(([port, variable]) => [port, env[variable]])),
    )
    const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe]
    for (const probe of probes) {
      expect(Object.keys(ports)).toContain(probe?.httpGet.port)
      expect(['/healthz', '/readyz']).toContain(probe?.httpGet.path)
    }
    expect(Object.values(ports)).toContain(metadata.annotations?.['prometheus.io/port'])
    const named = [
      ...selecting('Service', metadata.labels).flatMap((one) =>
        one.spec.ports.map((port) => port.targetPort),
      ),
      ...selecting('NetworkPolicy', metadata.labels).flatMap((one) =>
        (one.spec.ingress ?? []).flatMap((rule) => rule.ports.map(({ port }) => port)),
      ),
    ]
    expect(named.length, name).toBeGreaterThan(1)
    for (const port of named) expect(Object.keys(ports), name).toContain(port)
  }
})

/** Manifests of a kind that choose pods with some labels. */
function selecting(kind: string, labels: Labels): readonly Manifest[] {
  return ofKind(kind).filter(({ spec }) => {
    const wanted = spec.podSelector?.matchLabels ?? spec.selector?.matchLabels ?? spec.selector
    return Object.entries(wanted).every(([name, value]) => labels[name] === value)
  })
}

test('what chooses pods or deployments chooses some', () => {
  const pods = programs.map(({ spec }) => spec.template.metadata.labels)
  for (const kind of ['Deployment', 'Service', 'PodDisruptionBudget', 'NetworkPolicy']) {
    expect(ofKind(kind).length, kind).toBeGreaterThan(1)
    for (const one of ofKind(kind)) {
      expect(
        pods.some((labels) => selecting(kind, labels).includes(one)),
        `${kind} ${one.metadata.name}`,
      ).toBe(true)
    }
  }
  for (const { spec } of [...ofKind('HorizontalPodAutoscaler'), ...ofKind('ScaledObject')]) {
    expect(ofKind('Deployment').map(({ metadata }) => metadata.name)).toContain(spec.scaleTargetRef.name)
  }
  const applied: unknown = parse(read('kustomization.yaml')).resources
  expect(files).toEqual(expect.arrayContaining(Object(applied)))
})

test('no pod may do more than it must, and each says what it takes', () => {
  for (const { metadata, spec } of programs) {
    const { securityContext, automountServiceAccountToken, containers } = spec.template.spec
    const [container] = containers
    expect(automountServiceAccountToken, metadata.name).toBe(false)
    expect(securityContext, metadata.name).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 10_001,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(container.securityContext, metadata.name).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(container.resources.requests.cpu, metadata.name).toBeTruthy()
    expect(container.resources.limits.memory, metadata.name).toMatch(/^\d+(Mi|Gi)$/)
  }
})

test('a pod has more time to stop than its process takes, and is unknown to callers before it stops', () => {
  const deadline = /DEADLINE_MS = ([\d_]+)/.exec(read('../../drivers/shutdown.ts'))?.[1]?.replaceAll('_', '')
  for (const { metadata, spec } of ofKind('Deployment')) {
    const { terminationGracePeriodSeconds = 0, containers } = spec.template.spec
    const sleep = containers[0].lifecycle?.preStop.sleep.seconds ?? 0
    expect(terminationGracePeriodSeconds, metadata.name).toBeGreaterThan(sleep + Number(deadline) / 1_000)
  }
})

test('consumers are scaled by the group and topic that they read, to no more than it has partitions', () => {
  const [scaled] = ofKind('ScaledObject')
  const { consumerGroup, topic } = scaled?.spec.triggers[0]?.metadata ?? {}
  expect(read('../../consumers/main.ts')).toContain(`groupId: '${consumerGroup}',\n  topic: '${topic}'`)
  expect(topic).toBe('usage.events')
  expect(scaled?.spec.maxReplicaCount).toBe(partitions['usage.events'])
  const { resources, patches } = parse(read(`${BY_LAG}kustomization.yaml`))
  expect(resources).toEqual(['../kubernetes', 'scaled-object.yaml'])
  expect(patches.map(({ target, patch }: Record<string, string>) => [target, parse(patch ?? '')])).toEqual([
    [
      { kind: 'Deployment', name: scaled?.spec.scaleTargetRef.name },
      [{ op: 'remove', path: '/spec/replicas' }],
    ],
  ])
})
