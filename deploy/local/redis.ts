import { mkdirSync } from 'node:fs'
import { Redis } from 'ioredis'
import type { Engine } from './engine.ts'
import { hasCommand, runCommand } from './run-command.ts'

/** Settings that counting rests on (counting.md): an append-only file, no eviction, intsets for dedupe ids. */
export const redisSettings: readonly string[] = [
  ...['--save', ''],
  ...['--appendonly', 'yes'],
  ...['--appendfsync', 'everysec'],
  ...['--maxmemory-policy', 'noeviction'],
  ...['--set-max-intset-entries', '8192'],
]

/** Redis; installed by apt where this is Debian and we are root. */
export const redis: Engine = {
  name: 'redis',
  variable: 'REDIS_URL',
  portVariable: 'TALLYGATE_REDIS_PORT',
  tools: {},
  async fetch({ report }) {
    if (!(await hasCommand('redis-server'))) await installRedis(() => report('downloading'))
  },
  async prepare({ data, ports, ...context }) {
    await this.fetch(context)
    mkdirSync(data, { recursive: true })
    const listen = ['--port', String(ports.redis), '--bind', '127.0.0.1', '--dir', data]
    return { name: 'redis', file: 'redis-server', args: [...listen, ...redisSettings], port: ports.redis }
  },
  address: (ports) => `redis://127.0.0.1:${ports.redis}`,
  async ping(address) {
    const client = new Redis(address, {
      lazyConnect: true,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.ping()
    } finally {
      client.disconnect()
    }
  },
}

/** What to do where we cannot install it ourselves. */
export const REDIS_HELP =
  'redis-server is missing: install it (Debian: apt-get install -y redis-server), or set REDIS_URL to one that runs'

/** Whether apt may be asked to install it. */
export async function canInstallRedis(): Promise<boolean> {
  return process.getuid?.() === 0 && (await hasCommand('apt-get'))
}

async function installRedis(report: () => void): Promise<void> {
  if (!(await canInstallRedis())) throw new Error(REDIS_HELP)
  report()
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  await runCommand('apt-get', ['update', '-qq'], { env })
  await runCommand('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], { env })
}
