import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type KafkaSecurity, readKafkaSecurity } from '#drivers/kafka/security.ts'
import { parseObject } from './parse-object.ts'

/** Exit codes of every command (api.md, "Commands"). */
export const exitCodes = { fine: 0, denied: 1, usage: 2, unavailable: 3 } as const

/** Where the commands go: the run file of `make up`, each value replaceable by an environment variable. */
export interface Target {
  readonly api: string
  readonly kafka: string
  readonly kafkaSecurity: KafkaSecurity
  readonly registry: string
  readonly mongo: string
  readonly redis: string
  readonly keys: { readonly check: string; readonly read: string }
  readonly runDir: string
  /** The database of the run file; null without one. */
  readonly mongoOfRun: string | null
}

/** A command that cannot go on, with its exit code. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.exitCode = exitCode
  }
}

/**
 * Reads where to go. A variable that is empty was left out. What a command does not ask for need not be known: in a
 * container a key is made with MongoDB and the pepper alone. Reading what nothing says throws a CommandError.
 */
export function readTarget(given: NodeJS.ProcessEnv): Target {
  const env = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''))
  const runDir =
    env['TALLYGATE_DIR'] ?? findRunDir(process.cwd()) ?? resolve(import.meta.dirname, '..', '.tallygate')
  const run = readRun(join(runDir, 'run.json'))
  const from = (variable: string, value: string | undefined): string => {
    const found = env[variable] ?? value
    if (found !== undefined) return found
    throw new CommandError(
      `nothing says where Tallygate is: run make up, or set ${variable}`,
      exitCodes.unavailable,
    )
  }
  return {
    runDir,
    mongoOfRun: run.mongo ?? null,
    get api() {
      return requireAddress(from('TALLYGATE_API', run.api)).replace(/\/+$/, '')
    },
    get kafka() {
      return from('KAFKA_BROKERS', run.kafka)
    },
    get kafkaSecurity() {
      return readKafkaSecurity(env, this.kafka)
    },
    get registry() {
      return from('SCHEMA_REGISTRY_URL', run.registry)
    },
    get mongo() {
      return from('MONGODB_URL', run.mongo)
    },
    get redis() {
      return from('REDIS_URL', run.redis)
    },
    keys: {
      get check() {
        return from('TALLYGATE_KEY', run.keys?.check)
      },
      get read() {
        return from('TALLYGATE_KEY', run.keys?.read)
      },
    },
  }
}

/** `fetch` refuses anything else each time, as if nobody was there. What is refused may hold a password, so it is not printed. */
function requireAddress(api: string): string {
  const isAddress = /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/i.test(api) && URL.canParse(api)
  if (isAddress) return api
  throw new CommandError(
    'TALLYGATE_API must be an address such as https://tallygate.example, without user, password, ? and #',
    exitCodes.usage,
  )
}

function readRun(file: string): Partial<Target> {
  if (!existsSync(file)) return {}
  const run = parseObject(readFileSync(file, 'utf8'))
  if (run !== null) return run
  throw new CommandError(`${file} is not what make up writes; run it again`, exitCodes.unavailable)
}

/** The nearest `.tallygate` from a folder upwards. */
function findRunDir(from: string): string | null {
  const here = join(from, '.tallygate')
  if (existsSync(join(here, 'run.json'))) return here
  const parent = resolve(from, '..')
  return parent === from ? null : findRunDir(parent)
}
