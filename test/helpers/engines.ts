import { rmSync } from 'node:fs'
import { hasDocker } from '#deploy/local/docker.ts'
import { type EngineAddresses, startEngines, stopEngines } from '#deploy/local/engines.ts'
import { engineDir } from './engine-dir.ts'

interface Running {
  readonly addresses: EngineAddresses
  /** Where those are that were started as local processes. */
  readonly dir?: string
  readonly stop: () => Promise<void>
}

const variables = {
  kafka: 'KAFKA_BROKERS',
  registry: 'SCHEMA_REGISTRY_URL',
  redis: 'REDIS_URL',
  mongo: 'MONGODB_URL',
} as const

/** Variable that says where local engines of the run are. */
export const ENGINES_DIR = 'TALLYGATE_ENGINES_DIR'

let users = 0
let running: Promise<Running> | null = null

/**
 * The engines of a test run, started once for all suites on free ports and with data of their own.
 *
 * Addresses given in the environment win; then Docker where it answers; else local processes.
 */
export default async function setup(): Promise<() => Promise<void>> {
  users += 1
  running ??= start()
  const { addresses, dir, stop } = await running
  if (dir !== undefined) process.env[ENGINES_DIR] = dir
  for (const [engine, variable] of Object.entries(variables)) {
    process.env[variable] = Reflect.get(addresses, engine)
  }
  return async () => {
    users -= 1
    if (users === 0) await stop()
  }
}

async function start(): Promise<Running> {
  const isGiven = Object.values(variables).some((variable) => process.env[variable] !== undefined)
  if (!isGiven && (await hasDocker())) {
    const { startContainers } = await import('./containers.ts')
    return startContainers()
  }
  const dir = engineDir('test')
  const addresses = await startEngines({
    dir,
    ports: 'free',
    env: process.env,
    allowDocker: false,
    report: () => undefined,
  })
  return {
    addresses,
    dir,
    stop: async () => {
      await stopEngines(dir)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
