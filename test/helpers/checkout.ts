import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Scope } from '#core/api-key.ts'
import { type EngineAddresses, engineAddresses } from './addresses.ts'
import type { PageRun } from './page.ts'
import type { System } from './system.ts'

const root = join(import.meta.dirname, '..', '..')
const scopes: Readonly<Record<string, Scope>> = {
  check: 'check',
  consume: 'consume',
  events: 'events:write',
  read: 'usage:read',
  admin: 'admin',
}

/** Where the engines of a test run are; here the run file says it. */
const elsewhere = {
  KAFKA_BROKERS: undefined,
  SCHEMA_REGISTRY_URL: undefined,
  REDIS_URL: undefined,
  MONGODB_URL: undefined,
}

/** A checkout in which a system runs, as `make up` leaves it, and nothing of the real one is written to. */
export interface Checkout extends PageRun {
  readonly remove: () => void
}

/** Lays out a checkout whose run file leads to a system. */
export async function makeCheckout(
  system: System,
  addresses: EngineAddresses = engineAddresses(),
): Promise<Checkout> {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-checkout-'))
  for (const name of ['node_modules', 'cli', 'core', 'schemas', 'drivers', 'deploy', 'docs'])
    symlinkSync(join(root, name), join(dir, name))
  for (const name of ['package.json', 'package-lock.json', 'Makefile', 'client', '.npmrc'])
    cpSync(join(root, name), join(dir, name), {
      recursive: true,
      filter: (path) => !/\/dist$|\.tgz$/.test(path),
    })
  // Older than what is installed, so that make does not install it again.
  for (const name of ['package.json', 'package-lock.json']) utimesSync(join(dir, name), 0, 0)
  await writeRun(join(dir, '.tallygate'), system, addresses)
  const quiet = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_loglevel: 'error' }
  const path = `${dirname(process.execPath)}:${process.env['PATH']}`
  return {
    dir,
    env: { ...elsewhere, ...quiet, npm_config_offline: 'true', NO_COLOR: '1', PATH: path },
    moved: movedPorts(system),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

async function writeRun(dir: string, system: System, addresses: EngineAddresses): Promise<void> {
  mkdirSync(dir)
  const made = Object.entries(scopes).map(async ([name, scope]): Promise<[string, string]> => {
    return [name, await system.createKey({ scopes: [scope] })]
  })
  const keys = Object.fromEntries(await Promise.all(made))
  const admin = `http://127.0.0.1:${system.env['ADMIN_PORT']}`
  const run = { ...addresses, api: system.api, admin, keys }
  writeFileSync(join(dir, 'run.json'), `${JSON.stringify(run, null, 2)}\n`)
  writeFileSync(join(dir, 'pepper'), `${system.env['TALLYGATE_KEY_PEPPER']}\n`)
}

function movedPorts(system: System): ReadonlyMap<string, string> {
  const { kafka, registry } = engineAddresses()
  return new Map([
    ['localhost:18080', new URL(system.api).host],
    ['localhost:18082', `127.0.0.1:${system.env['ADMIN_PORT']}`],
    ['localhost:18090', new URL(system.consumers).host],
    ['localhost:19092', kafka],
    ['http://localhost:18081/apis/ccompat/v7', registry],
  ])
}
