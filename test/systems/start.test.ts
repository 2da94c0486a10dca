import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePorts } from '#deploy/local/ports.ts'
import { serviceEnv } from '#deploy/services.ts'
import { TcpProxy } from '#test/chaos/tcp-proxy.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { launch, type Started } from '#test/helpers/boot.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
let workspace: TestWorkspace
beforeAll(async () => {
  system = await startSystem()
  workspace = new TestWorkspace(system)
  await workspace.subscribe({})
})
afterAll(() => system.stop())

interface Api {
  readonly url: string
  readonly process: Started
  readonly readiness: () => Promise<{ readonly status: number; readonly text: string }>
  readonly post: (path: string, body: object) => Promise<Response>
}

/** One more API whose way to some engine is not the usual one. */
async function startApi(
  settings: Readonly<Record<string, string>>,
  meanwhile: (process: Started) => Promise<void> = async () => undefined,
): Promise<Api> {
  const [api = 0, admin = 0] = await freePorts(2)
  const ports = { api, admin, consumers: 0 }
  const pepper = String(system.env['TALLYGATE_KEY_PEPPER'])
  const process = launch('api', {
    ...serviceEnv({ addresses: engineAddresses(), pepper, ports }),
    ...settings,
  })
  await meanwhile(process)
  const url = `http://127.0.0.1:${api}`
  const headers = { authorization: `Bearer ${system.key}`, 'content-type': 'application/json' }
  await eventually(
    () => fetch(`${url}/healthz`),
    ({ ok }) => ok,
    { what: 'the API to live' },
  )
  return {
    url,
    process,
    readiness: async () => {
      const response = await fetch(`http://127.0.0.1:${admin}/readyz`)
      return { status: response.status, text: await response.text() }
    },
    post: (path, body) => fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }),
  }
}

const use = (id: string): object => ({
  workspace: workspace.id,
  id,
  items: [{ feature: 'ai_credits', quantity: 1 }],
})

test('G26: an API that starts without the registry checks, says why it is not ready, and is ready once the registry is there', async () => {
  const registry = new URL(engineAddresses().registry)
  const proxy = await TcpProxy.open(Number(registry.port))
  proxy.set({ kind: 'reset' })
  registry.port = String(proxy.port)
  const api = await startApi({ SCHEMA_REGISTRY_URL: registry.href })
  const { status, text } = await api.readiness()
  expect(status).toBe(503)
  expect(text).toContain('Kafka or the schema registry has not been reached yet')
  expect((await fetch(`${api.url}/readyz`)).status).toBe(503)
  expect((await api.post('/v1/check', { workspace: workspace.id, feature: 'leads' })).status).toBe(200)
  const refused = await api.post('/v1/consume', use('start-1'))
  expect([refused.status, Object(await refused.json()).code]).toEqual([503, 'unavailable'])
  await eventually(
    async () => api.process.output(),
    (log) => log.includes('SCHEMA_REGISTRY_URL'),
    {
      what: 'the log to say what is missing',
    },
  )
  proxy.set({ kind: 'pass' })
  await eventually(api.readiness, (now) => now.status === 200, { what: 'the API to be ready' })
  expect(await (await api.post('/v1/consume', use('start-1'))).json()).toMatchObject({ allowed: true })
  expect(await api.process.stop()).toBe(0)
  await proxy.close()
})

test('an API that starts before Redis waits for it, says so, and answers once it is there', async () => {
  const proxy = await TcpProxy.open(Number(new URL(engineAddresses().redis).port))
  onTestFinished(() => proxy.close())
  proxy.set({ kind: 'reset' })
  const settings = { REDIS_URL: `redis://127.0.0.1:${proxy.port}` }
  const starting = startApi(settings, async (process) => {
    await eventually(
      async () => process.output(),
      (log) => log.includes('waiting for Redis: look at REDIS_URL'),
      { what: 'the log to say what is waited for' },
    )
    proxy.set({ kind: 'pass' })
  })
  const api = await starting
  expect((await api.post('/v1/check', { workspace: workspace.id, feature: 'leads' })).status).toBe(200)
  expect(await api.process.stop()).toBe(0)
})

test('an API to which Redis falls silent while it starts waits for it, says so, and answers once it is there', async () => {
  const proxy = await TcpProxy.open(Number(new URL(engineAddresses().redis).port))
  onTestFinished(() => proxy.close())
  let isSilent = false
  proxy.watchAnswers((bytes) => {
    if (isSilent || !bytes.includes('PONG')) return
    isSilent = true
    proxy.set({ kind: 'blackhole' })
  })
  const api = await startApi({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` }, async (process) => {
    await eventually(
      async () => process.output(),
      (log) => log.includes('waiting for Redis: look at REDIS_URL'),
      { what: 'the log to say what is waited for' },
    )
    proxy.set({ kind: 'reset' })
    proxy.set({ kind: 'pass' })
  })
  expect(isSilent).toBe(true)
  expect((await api.post('/v1/check', { workspace: workspace.id, feature: 'leads' })).status).toBe(200)
  expect(await api.process.stop()).toBe(0)
})

test('G26: an API that starts without Kafka checks, says why it is not ready, and stops when it is told to', async () => {
  const [nobody = 0] = await freePorts(1)
  const api = await startApi({ KAFKA_BROKERS: `127.0.0.1:${nobody}` })
  expect((await api.readiness()).status).toBe(503)
  expect((await api.post('/v1/check', { workspace: workspace.id, feature: 'leads' })).status).toBe(200)
  expect((await api.post('/v1/consume', use('start-2'))).status).toBe(503)
  await eventually(
    async () => api.process.output(),
    (log) => log.includes('ECONNREFUSED'),
    {
      what: 'the log to say that Kafka refuses',
    },
  )
  expect(await api.process.stop()).toBe(0)
})
