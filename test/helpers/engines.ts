import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEngines, stopEngines } from '#deploy/local/engines.ts'

let users = 0
let dir: string | null = null

/** Starts the engines for a test run, on free ports and in a directory of its own; addresses given in the environment win. */
export default async function setup(): Promise<() => Promise<void>> {
  users += 1
  if (users === 1) {
    dir = mkdtempSync(join(tmpdir(), 'tallygate-test-'))
    const addresses = await startEngines({
      dir,
      ports: 'free',
      env: process.env,
      allowDocker: true,
      report: () => undefined,
    })
    process.env['KAFKA_BROKERS'] = addresses.kafka
    process.env['SCHEMA_REGISTRY_URL'] = addresses.registry
    process.env['REDIS_URL'] = addresses.redis
    process.env['MONGODB_URL'] = addresses.mongo
  }
  return async () => {
    users -= 1
    if (users > 0 || dir === null) return
    await stopEngines(dir)
    rmSync(dir, { recursive: true, force: true })
  }
}
