import { join } from 'node:path'
import { readEnv } from '#drivers/env.ts'
import { cacheDir } from './cache.ts'
import { composeDown, composeUp, hasDocker } from './docker.ts'
import { type Engine, type EngineName, type EnginePorts, engineNames } from './engine.ts'
import { kafka } from './kafka.ts'
import { mongo } from './mongo.ts'
import { freePorts, isListening, portSetting, requireFree } from './ports.ts'
import { lastLines, runningPort, startProgram, stopProgram } from './process.ts'
import { canInstallRedis, REDIS_HELP, redis } from './redis.ts'
import { registry } from './registry.ts'
import { hasCommand } from './run-command.ts'

/** Where each engine answers. */
export type EngineAddresses = Readonly<Record<EngineName, string>>

/** One thing that happened to an engine while everything was started. */
export interface EngineStep {
  readonly engine: EngineName
  readonly state: 'given' | 'running' | 'downloading' | 'building' | 'preparing' | 'starting' | 'ready'
  readonly tookMs: number
}

interface StartOptions {
  /** Directory of data, logs and pid files. */
  readonly dir: string
  readonly ports: EnginePorts | 'free'
  readonly env: NodeJS.ProcessEnv
  readonly report: (step: EngineStep) => void
  /** Take Docker where it answers. */
  readonly allowDocker: boolean
}

const engines: Readonly<Record<EngineName, Engine>> = { kafka, registry, redis, mongo }
const READY_WITHIN_MS = 90_000

const portEnv = {
  TALLYGATE_KAFKA_PORT: portSetting(19_092),
  TALLYGATE_KAFKA_CONTROLLER_PORT: portSetting(19_093),
  TALLYGATE_REDIS_PORT: portSetting(16_379),
  TALLYGATE_MONGO_PORT: portSetting(17_017),
  TALLYGATE_REGISTRY_PORT: portSetting(18_081),
}

/** The fixed ports of `make up`, each movable by its variable. Throws `invalid_config` for what is no port. */
export function fixedPorts(env: NodeJS.ProcessEnv): EnginePorts {
  const ports = readEnv(portEnv, env)
  return {
    kafka: ports.TALLYGATE_KAFKA_PORT,
    controller: ports.TALLYGATE_KAFKA_CONTROLLER_PORT,
    redis: ports.TALLYGATE_REDIS_PORT,
    mongo: ports.TALLYGATE_MONGO_PORT,
    registry: ports.TALLYGATE_REGISTRY_PORT,
  }
}

/**
 * Starts every engine that no address was given for, and waits until each one answers.
 *
 * Doing it again is free: what runs already is found by its pid file. Missing tools are named all at once before
 * anything is downloaded.
 */
export async function startEngines(options: StartOptions): Promise<EngineAddresses> {
  const { env, report } = options
  const wanted = engineNames.filter((name) => env[engines[name].variable] === undefined)
  const ports = options.ports === 'free' ? await chooseFree() : options.ports
  if (wanted.length > 0 && options.allowDocker && (await hasDocker())) {
    await startImages(wanted, { ...options, ports })
  } else {
    await requireTools(wanted)
    await Promise.all(wanted.map((name) => startOne(engines[name], { ...options, ports })))
  }
  const addresses = engineNames.map((name): [EngineName, string] => {
    const given = env[engines[name].variable]
    if (given !== undefined) report({ engine: name, state: 'given', tookMs: 0 })
    return [name, given ?? engines[name].address(ports)]
  })
  return Object.fromEntries(addresses) as EngineAddresses
}

/** Downloads, builds and installs what the engines need, and starts none: for those who start several at once later. */
export async function fetchEngines(env: NodeJS.ProcessEnv): Promise<void> {
  await requireTools(engineNames)
  const context = { cache: cacheDir(env), report: () => undefined }
  await Promise.all(engineNames.map((name) => engines[name].fetch(context)))
}

/** Stops what was started from a directory, processes and containers; data is kept. */
export async function stopEngines(dir: string): Promise<readonly EngineName[]> {
  const stopped = await Promise.all(engineNames.map((name) => stopProgram(dir, name)))
  if (await composeDown(dir)) return engineNames
  return engineNames.filter((_, index) => stopped[index])
}

async function startImages(
  wanted: readonly EngineName[],
  { dir, ports, report }: StartOptions & { readonly ports: EnginePorts },
): Promise<void> {
  const startedAt = performance.now()
  const step = (engine: EngineName, state: EngineStep['state']): void =>
    report({ engine, state, tookMs: performance.now() - startedAt })
  await composeUp({ dir, wanted, ports, report: step })
}

async function chooseFree(): Promise<EnginePorts> {
  const [first = 0, controller = 0, redisPort = 0, mongoPort = 0, registryPort = 0] = await freePorts(5)
  return { kafka: first, controller, redis: redisPort, mongo: mongoPort, registry: registryPort }
}

async function requireTools(names: readonly EngineName[]): Promise<void> {
  const tools = new Map(names.flatMap((name) => Object.entries(engines[name].tools)))
  const missing: string[] = []
  for (const [tool, help] of tools) if (!(await hasCommand(tool))) missing.push(`${tool} is missing: ${help}`)
  if (names.includes('redis') && !(await hasCommand('redis-server')) && !(await canInstallRedis())) {
    missing.push(REDIS_HELP)
  }
  if (missing.length > 0) throw new Error(missing.join('\n'))
}

async function startOne(
  engine: Engine,
  options: StartOptions & { readonly ports: EnginePorts },
): Promise<void> {
  const { dir, env, ports } = options
  const startedAt = performance.now()
  const step = (state: EngineStep['state']): void => {
    options.report({ engine: engine.name, state, tookMs: performance.now() - startedAt })
  }
  const address = engine.address(ports)
  if (runningPort(dir, engine.name) === ports[engine.name]) {
    await untilUp(engine, address, dir)
    return step('running')
  }
  await stopProgram(dir, engine.name)
  await requireFree(ports[engine.name], engine.portVariable)
  if (engine.name === 'kafka') await requireFree(ports.controller, 'TALLYGATE_KAFKA_CONTROLLER_PORT')
  const data = join(dir, 'data', engine.name)
  const program = await engine.prepare({ cache: cacheDir(env), data, ports, report: step })
  step('starting')
  startProgram(dir, program)
  await untilUp(engine, address, dir)
  step('ready')
}

async function untilUp(engine: Engine, address: string, dir: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  for (;;) {
    const port = runningPort(dir, engine.name)
    if (port === null)
      throw new Error(`${engine.name} ended while it started:\n${lastLines(dir, engine.name)}`)
    const error = (await isListening(port))
      ? await engine.ping(address).catch((reason: unknown) => reason)
      : 'no port'
    if (error === undefined) return
    if (performance.now() > deadline) {
      throw new Error(`${engine.name} does not answer at ${address}; see ${dir}/logs/${engine.name}.log`, {
        cause: error,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
