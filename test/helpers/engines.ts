import { rmSync } from 'node:fs'
import { hasDocker } from '#deploy/local/docker.ts'
import { type EngineAddresses, startEngines, stopEngines } from '#deploy/local/engines.ts'
import { stopServices } from '#deploy/services.ts'
import { engineDir } from './engine-dir.ts'

interface Running {
  /** Of this run alone; a system that its tests share runs from it. */
  readonly dir: string
  readonly addresses: EngineAddresses
  readonly stop: () => Promise<void>
}

const variables = {
  kafka: 'KAFKA_BROKERS',
  registry: 'SCHEMA_REGISTRY_URL',
  redis: 'REDIS_URL',
  mongo: 'MONGODB_URL',
} as const

/** Variable that says where the run keeps what it starts: engines, and the system that tests share. */
export const RUN_DIR = 'TALLYGATE_TEST_DIR'

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
  const { dir, addresses, stop } = await running
  process.env[RUN_DIR] = dir
  for (const [engine, variable] of Object.entries(variables)) {
    process.env[variable] = Reflect.get(addresses, engine)
  }
  return async () => {
    users -= 1
    if (users > 0) return
    await stopServices(dir)
    await stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function start(): Promise<Running> {
  const dir = engineDir('test')
  const isGiven = Object.values(variables).some((variable) => process.env[variable] !== undefined)
  if (!isGiven && (await hasDocker())) {
    const { startContainers } = await import('./containers.ts')
    return { dir, ...(await startContainers()) }
  }
  const addresses = await startEngines({
    dir,
    ports: 'free',
    env: process.env,
    allowDocker: false,
    report: () => undefined,
  })
  return {
    dir,
    addresses,
    stop: async () => {
      await stopEngines(dir)
    },
  }
}
