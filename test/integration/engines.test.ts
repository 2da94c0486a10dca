import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type EngineStep, startEngines, stopEngines } from '#deploy/local/engines.ts'
import { freePorts } from '#deploy/local/ports.ts'
import { runningPid, runningPort } from '#deploy/local/process.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { RUN_DIR } from '#test/helpers/engines.ts'

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

const ADDRESSES = ['KAFKA_BROKERS', 'REDIS_URL', 'MONGODB_URL', 'SCHEMA_REGISTRY_URL'] as const

function envWithoutEngines(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !ADDRESSES.some((address) => address === name))
  return Object.fromEntries(own)
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

const runDir = process.env[RUN_DIR] ?? ''

test.skipIf(runningPid(runDir, 'kafka') === null)(
  'engines: Kafka and registry start with their classes read and checked',
  () => {
    for (const engine of ['kafka', 'registry'] as const) {
      const files = readFileSync(`/proc/${runningPid(runDir, engine)}/maps`, 'utf8')
      expect(files.includes('/program.jsa'), engine).toBe(true)
    }
  },
)

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
  const cache = join(dir, 'cache')
  const start = startEngines({
    dir,
    ports: 'free',
    env: { ...envWithoutEngines(), TALLYGATE_CACHE: cache },
    allowDocker: false,
    report: () => undefined,
  })
  await expect(start).rejects.toThrow(
    /java is missing: .*\nmvn is missing: .*\n.*\ngo is missing: .*\nredis-server is missing/,
  )
  expect(existsSync(cache)).toBe(false)
})

test('engines: make names the same tools before packages are installed, and none for an engine that is given', async () => {
  const named = (env: NodeJS.ProcessEnv): ReturnType<typeof spawnSync> =>
    spawnSync('/bin/sh', ['deploy/local/missing-tools.sh'], { env, encoding: 'utf8' })
  const path = process.env['PATH']
  process.env['PATH'] = '/nowhere'
  onTestFinished(() => {
    process.env['PATH'] = path
  })
  const combinations = Array.from({ length: 16 }, (_, bits) => givenOf(bits))
  for (const env of combinations) {
    const start = startEngines({
      dir: scratch(),
      ports: 'free',
      env,
      allowDocker: false,
      report: () => undefined,
    })
    const said = await start.then(
      () => ({ status: 0, stderr: '' }),
      ({ message }: Error) => ({ status: 3, stderr: `${message}\n` }),
    )
    expect(named({ ...env, PATH: '/nowhere' })).toMatchObject(said)
  }
})

test.each(['run', 'up', 'test', 'test-long'])('engines: make %s names missing tools first', (target) => {
  const dir = scratch()
  for (const name of ['Makefile', 'package.json', 'package-lock.json']) cpSync(name, join(dir, name))
  const steps = spawnSync('make', ['--no-print-directory', '-n', target], {
    cwd: dir,
    encoding: 'utf8',
  }).stdout.split('\n')
  const places = ['missing-tools.sh', 'npm install', '.ts'].map((part) =>
    steps.findIndex((step) => step.includes(part)),
  )
  expect(places[0]).toBe(0)
  expect(places).toEqual(places.toSorted((a, b) => a - b))
})

/** An environment in which some of the engines have an address. */
function givenOf(bits: number): NodeJS.ProcessEnv {
  const given = ADDRESSES.filter((_, index) => (bits & (1 << index)) !== 0)
  return { ...envWithoutEngines(), ...Object.fromEntries(given.map((name) => [name, 'elsewhere'])) }
}
