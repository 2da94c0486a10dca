import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { readEnv } from '#drivers/env.ts'
import { topicEnv } from '#drivers/kafka/topics.ts'
import { composeRemove } from './local/docker.ts'
import { fixedPorts, startEngines, stopEngines } from './local/engines.ts'
import { printStep } from './local/report.ts'
import { pepperOf, type RunFile, writeRunFile } from './run-file.ts'
import { servicePorts, startServices, stopServices } from './services.ts'
import { setUp } from './setup.ts'

/** Where data, logs, pid files and the run file of this checkout are. */
export const RUN_DIR = resolve(import.meta.dirname, '..', '.tallygate')

/**
 * Brings everything up in the background: engines, topics, schemas, catalogue, API, consumers. Repeatable.
 *
 * A variable that is empty was left out. Throws `invalid_config` for what none of them can be, and touches nothing then.
 */
export async function bringUp(given: NodeJS.ProcessEnv, print: (line: string) => void): Promise<RunFile> {
  const env = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
  const enginePorts = fixedPorts(env)
  const ports = servicePorts(env)
  const { KAFKA_REPLICATION: replicationFactor } = readEnv(topicEnv, env)
  print('Engines')
  const addresses = await startEngines({
    dir: RUN_DIR,
    ports: enginePorts,
    env,
    report: printStep,
    allowDocker: true,
  })
  print('Schemas, topics, catalogue')
  await setUp(addresses, { replicationFactor, env })
  print('API and consumers')
  await startServices({ dir: RUN_DIR, addresses, pepper: pepperOf(RUN_DIR), ports })
  const urls = { api: `http://127.0.0.1:${ports.api}`, admin: `http://127.0.0.1:${ports.admin}` }
  return writeRunFile(RUN_DIR, { ...urls, ...addresses })
}

/** Stops everything that was brought up; data is kept. */
export async function bringDown(): Promise<readonly string[]> {
  const services = await stopServices(RUN_DIR)
  return [...services, ...(await stopEngines(RUN_DIR))]
}

/** Stops everything that was brought up, and removes all data: of processes, of containers, keys and the pepper. */
export async function bringAway(): Promise<void> {
  await bringDown()
  await composeRemove(RUN_DIR)
  rmSync(RUN_DIR, { recursive: true, force: true })
}
