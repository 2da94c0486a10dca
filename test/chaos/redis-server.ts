import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePorts } from '#deploy/local/ports.ts'
import { redisSettings } from '#deploy/local/redis.ts'
import { eventually } from '#test/helpers/eventually.ts'

/** A Redis of a test's own, with the settings that counting rests on; it can be killed and damaged. */
export class RedisServer {
  readonly port: number
  readonly #dir = mkdtempSync(join(tmpdir(), 'tallygate-redis-'))
  #child: ChildProcess | null = null

  private constructor(port: number) {
    this.port = port
  }

  static async start(...more: readonly string[]): Promise<RedisServer> {
    const [port = 0] = await freePorts(1)
    const server = new RedisServer(port)
    await server.start(...more)
    return server
  }

  /** Starts it on what its directory holds, and waits until it answers. */
  async start(...more: readonly string[]): Promise<void> {
    const listen = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir]
    this.#child = spawn('redis-server', [...listen, ...redisSettings, ...more], { stdio: 'ignore' })
    await this.ask((redis) =>
      eventually(
        () => redis.ping(),
        (answer) => answer === 'PONG',
        { what: `Redis on ${this.port}` },
      ),
    )
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    this.#child = null
  }

  /** Cuts so many bytes off the end of the append-only file; returns how many it had. */
  tearLog(bytes: number): number {
    const folder = join(this.#dir, 'appendonlydir')
    const last =
      readdirSync(folder)
        .filter((name) => name.endsWith('.incr.aof'))
        .sort()
        .at(-1) ?? ''
    const { size } = statSync(join(folder, last))
    truncateSync(join(folder, last), Math.max(size - bytes, 0))
    return size
  }

  /** Asks it something on a connection of its own. */
  async ask<Value>(question: (redis: Redis) => Promise<Value>): Promise<Value> {
    const redis = new Redis(this.port, '127.0.0.1', { retryStrategy: () => 20, maxRetriesPerRequest: 200 })
    redis.on('error', () => undefined)
    try {
      return await question(redis)
    } finally {
      redis.disconnect()
    }
  }

  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
