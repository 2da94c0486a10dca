import { join } from 'node:path'
import { readEnv } from '#drivers/env.ts'
import { hashSettings } from './hash-settings.ts'
import type { EngineAddresses } from './local/engines.ts'
import { isListening, portSetting, requireFree } from './local/ports.ts'
import { lastLines, runningPort, runningSettings, startProgram, stopProgram } from './local/process.ts'

/** Our own processes. */
export const serviceNames = ['api', 'consumers'] as const
export type ServiceName = (typeof serviceNames)[number]

/** Ports of our own processes. */
export interface ServicePorts {
  readonly api: number
  readonly admin: number
  readonly consumers: number
}

interface StartOptions {
  readonly dir: string
  readonly addresses: EngineAddresses
  readonly pepper: string
  readonly ports: ServicePorts
  /** Beside where everything is. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Where Node keeps what it compiled: a process starts in half the time with it. */
export const COMPILED = join(import.meta.dirname, '..', 'node_modules', '.cache', 'compiled')

/** Longer than they wait for an engine, so that what they say of it is read. */
const READY_WITHIN_MS = 90_000

const portEnv = {
  API_PORT: portSetting(18_080),
  ADMIN_PORT: portSetting(18_082),
  CONSUMERS_PORT: portSetting(18_090),
}

/** The fixed ports of `make up`, each movable by its variable. Throws `invalid_config` for what is no port. */
export function servicePorts(env: NodeJS.ProcessEnv): ServicePorts {
  const { API_PORT, ADMIN_PORT, CONSUMERS_PORT } = readEnv(portEnv, env)
  return { api: API_PORT, admin: ADMIN_PORT, consumers: CONSUMERS_PORT }
}

/** Environment that our processes are started with. */
export function serviceEnv({ addresses, pepper, ports }: Omit<StartOptions, 'dir'>): Record<string, string> {
  return {
    KAFKA_BROKERS: addresses.kafka,
    SCHEMA_REGISTRY_URL: addresses.registry,
    REDIS_URL: addresses.redis,
    MONGODB_URL: addresses.mongo,
    TALLYGATE_KEY_PEPPER: pepper,
    API_PORT: String(ports.api),
    ADMIN_PORT: String(ports.admin),
    CONSUMERS_PORT: String(ports.consumers),
    NODE_NO_WARNINGS: '1',
    NODE_COMPILE_CACHE: COMPILED,
  }
}

/**
 * Starts API and consumers in the background and waits until both are ready. What runs already with the same settings is
 * left alone; what runs with others is started anew.
 */
export async function startServices(options: StartOptions): Promise<void> {
  const { dir, ports } = options
  await Promise.all(serviceNames.map((name) => startService(name, options)))
  await Promise.all([
    untilReady(dir, { name: 'api', url: `http://127.0.0.1:${ports.admin}/readyz` }),
    untilReady(dir, { name: 'consumers', url: `http://127.0.0.1:${ports.consumers}/readyz` }),
  ])
}

/** Stops API and consumers. */
export async function stopServices(dir: string): Promise<readonly ServiceName[]> {
  const stopped = await Promise.all(serviceNames.map((name) => stopProgram(dir, name)))
  return serviceNames.filter((_, index) => stopped[index])
}

async function startService(name: ServiceName, options: StartOptions): Promise<void> {
  const { dir, pepper, ports } = options
  const port = ports[name]
  const env = { ...serviceEnv(options), ...options.settings }
  const settingsHash = hashSettings(name, { env: { ...process.env, ...env }, pepper })
  if (runningSettings(dir, name) === settingsHash) return
  await stopProgram(dir, name)
  await requireFree(port, name === 'api' ? 'API_PORT' : 'CONSUMERS_PORT')
  if (name === 'api') await requireFree(ports.admin, 'ADMIN_PORT')
  const main = new URL(`../${name}/main.ts`, import.meta.url).pathname
  startProgram(dir, { name, file: process.execPath, args: [main], env, port, settingsHash })
}

async function untilReady(dir: string, { name, url }: { name: ServiceName; url: string }): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS
  for (;;) {
    const port = runningPort(dir, name)
    if (port === null) throw new Error(`${name} ended while it started:\n${lastLines(dir, name)}`)
    if (await isReady(url, port)) return
    if (performance.now() > deadline) throw new Error(`${name} is not ready; see ${dir}/logs/${name}.log`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function isReady(url: string, port: number): Promise<boolean> {
  if (!(await isListening(port))) return false
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  )
}
