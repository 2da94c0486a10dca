import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type EngineStep, startEngines, stopEngines } from '#deploy/local/engines.ts'
import { freePorts } from '#deploy/local/ports.ts'
import { runningPort } from '#deploy/local/process.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-engines-'))
  onTestFinished(async () => {
    await stopEngines(dir)
    rmSync(dir, { recursive: true, force: true })
  })
  return dir
}

async function portsFor(redis: number): Promise<Parameters<typeof startEngines>[0]['ports']> {
  const [kafka = 0, controller = 0, registry = 0, mongo = 0] = await freePorts(4)
  return { kafka, controller, registry, mongo, redis }
}

/** The addresses of the run for everything but Redis, so that only Redis is started here. */
function envWithoutRedis(): NodeJS.ProcessEnv {
  const { kafka, registry, mongo } = engineAddresses()
  const { REDIS_URL: _, ...rest } = process.env
  return { ...rest, KAFKA_BROKERS: kafka, SCHEMA_REGISTRY_URL: registry, MONGODB_URL: mongo }
}

test('engines: starting again finds what runs, stopping ends it, an address in the environment wins', async () => {
  const dir = scratch()
  const [redis = 0] = await freePorts(1)
  const ports = await portsFor(redis)
  const steps: EngineStep[] = []
  const start = (): ReturnType<typeof startEngines> =>
    startEngines({
      dir,
      ports,
      env: envWithoutRedis(),
      allowDocker: false,
      report: (step) => steps.push(step),
    })
  const first = await start()
  expect(first).toMatchObject({ redis: `redis://127.0.0.1:${redis}`, kafka: engineAddresses().kafka })
  await start()
  expect(steps.filter(({ engine }) => engine === 'redis').map(({ state }) => state)).toEqual([
    'starting',
    'ready',
    'running',
  ])
  expect(steps.some(({ engine, state }) => engine === 'kafka' && state === 'given')).toBe(true)
  expect(await stopEngines(dir)).toEqual(['redis'])
  expect(runningPort(dir, 'redis')).toBeNull()
})

test('engines: a taken port is named with who has it and the variable to change', async () => {
  const dir = scratch()
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  const taken = typeof address === 'object' && address !== null ? address.port : 0
  const start = startEngines({
    dir,
    ports: await portsFor(taken),
    env: envWithoutRedis(),
    allowDocker: false,
    report: () => undefined,
  })
  await expect(start).rejects.toThrow(
    new RegExp(`port ${taken} is taken by pid ${process.pid} .*set TALLYGATE_REDIS_PORT`),
  )
})

test('engines: missing tools are all named before anything is downloaded', async () => {
  const dir = scratch()
  const path = process.env['PATH']
  process.env['PATH'] = '/nowhere:/bin-of-nobody'
  onTestFinished(() => {
    process.env['PATH'] = path
  })
  const { KAFKA_BROKERS: _, REDIS_URL: __, MONGODB_URL: ___, SCHEMA_REGISTRY_URL: ____, ...env } = process.env
  const cache = join(dir, 'cache')
  const start = startEngines({
    dir,
    ports: 'free',
    env: { ...env, TALLYGATE_CACHE: cache },
    allowDocker: false,
    report: () => undefined,
  })
  await expect(start).rejects.toThrow(
    /java is missing: .*\nmvn is missing: .*\n.*\ngo is missing: .*\nredis-server is missing/,
  )
})
