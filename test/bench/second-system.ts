import { rmSync } from 'node:fs'
import { startEngines, stopEngines } from '#deploy/local/engines.ts'
import { engineDir } from '#test/helpers/engine-dir.ts'
import { type System, startSystem } from '#test/helpers/system.ts'

/** What says where the engines of the first system are. */
const ADDRESSES = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'REDIS_URL', 'MONGODB_URL']

/** Another system beside that of the run, on engines of its own; whoever starts it stops it. */
export async function startBeside(): Promise<Pick<System, 'stop'> & { readonly system: System }> {
  const dir = engineDir('bench-beside')
  const own = Object.entries(process.env).filter(([name]) => !ADDRESSES.includes(name))
  const stop = async (): Promise<void> => {
    await stopEngines(dir)
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const env = Object.fromEntries(own)
    const addresses = await startEngines({
      dir,
      ports: 'free',
      env,
      report: () => undefined,
      allowDocker: true,
    })
    const system = await startSystem(['api', 'consumers'], {}, addresses)
    return {
      system,
      stop: async () => {
        await system.stop()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
