import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '#deploy/local/ports.ts'
import { runningPid, runningPort } from '#deploy/local/process.ts'
import { type ServicePorts, serviceEnv, serviceNames, startServices, stopServices } from '#deploy/services.ts'
import { setUp } from '#deploy/setup.ts'
import { engineAddresses } from './addresses.ts'
import { RUN_DIR } from './engines.ts'
import { connectSystem, HURRIED, PEPPER, type System, startSystem, untilReady } from './system.ts'

/**
 * The system of all test files that only need one: each has workspaces of its own in it, and leaves its processes alone.
 *
 * It is started by the first of them, runs on between files, and ends before a file starts a system of its own, or
 * when the engines do.
 */
export async function sharedSystem(): Promise<System> {
  const dir = process.env[RUN_DIR]
  if (dir === undefined) return startSystem()
  const addresses = engineAddresses()
  const ports = portsOf(dir) ?? (await start(dir))
  const system = await connectSystem(addresses, serviceEnv({ addresses, pepper: PEPPER, ports }))
  await untilReady(system.redis, system.shards)
  return {
    ...system,
    ...untouchable,
    pidOf: (name) => runningPid(dir, name),
    wholeLogOf: (name) => readFileSync(join(dir, 'logs', `${name}.log`), 'utf8'),
  }
}

/** Null unless all of it runs. */
function portsOf(dir: string): ServicePorts | null {
  if (serviceNames.some((name) => runningPort(dir, name) === null)) return null
  return JSON.parse(readFileSync(join(dir, 'shared.json'), 'utf8'))
}

async function start(dir: string): Promise<ServicePorts> {
  const addresses = engineAddresses()
  await Promise.all([setUp(addresses), stopServices(dir)])
  const [api = 0, admin = 0, consumers = 0] = await freePorts(3)
  const ports = { api, admin, consumers }
  writeFileSync(join(dir, 'shared.json'), JSON.stringify(ports))
  await startServices({ dir, addresses, pepper: PEPPER, ports, settings: HURRIED })
  return ports
}

function refuse(): never {
  throw new Error('this system is shared with other tests: start one of your own to do that')
}

const untouchable = {
  kill: refuse,
  signal: refuse,
  freeze: refuse,
  logOf: refuse,
  ended: refuse,
  start: refuse,
} as const
