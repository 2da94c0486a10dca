import type { EnginePorts } from './engine.ts'
import { runCommand } from './run-command.ts'

const COMPOSE = new URL('../docker-compose.yml', import.meta.url).pathname

/** Whether a Docker engine answers on this machine. */
export async function hasDocker(): Promise<boolean> {
  return Promise.race([
    runCommand('docker', ['info']).then(
      () => true,
      () => false,
    ),
    new Promise<false>((resolve) => setTimeout(() => resolve(false), 3_000).unref()),
  ])
}

/** Starts the official images on the same ports and waits until they are healthy. */
export async function composeUp(ports: EnginePorts): Promise<void> {
  await runCommand('docker', ['compose', '-f', COMPOSE, 'up', '-d', '--wait'], { env: composeEnv(ports) })
}

/** Stops them; their volumes stay. */
export async function composeDown(): Promise<void> {
  await runCommand('docker', ['compose', '-f', COMPOSE, 'down'])
}

function composeEnv(ports: EnginePorts): Record<string, string> {
  return {
    TALLYGATE_KAFKA_PORT: String(ports.kafka),
    TALLYGATE_REDIS_PORT: String(ports.redis),
    TALLYGATE_MONGO_PORT: String(ports.mongo),
    TALLYGATE_REGISTRY_PORT: String(ports.registry),
  }
}
