import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePorts, isListening } from '#deploy/local/ports.ts'
import { redisSettings } from '#deploy/local/redis.ts'
import { engineDir } from '#test/helpers/engine-dir.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { Disk } from './disk.ts'

const BUS_AWAY = 10_000
/** Ports above are given to outgoing connections. */
const BUS_MAX = 32_767

/** A Redis of a test's own, with the settings that counting rests on; it can be killed and damaged. */
export class RedisServer {
  readonly port: number
  readonly #dir = engineDir('redis')
  #child: ChildProcess | null = null
  #disk: Disk | null = null
  /** Settings and environment that it was started with; it keeps them. */
  #more: readonly string[] = []
  #env: Readonly<Record<string, string>> = {}

  private constructor(port: number) {
    this.port = port
  }

  static async start(...more: readonly string[]): Promise<RedisServer> {
    const [port = 0] = await freePorts(1)
    const server = new RedisServer(port)
    await server.start(...more)
    return server
  }

  /** The same with variables in its environment, for instance those of a clock of its own. */
  static async startWith(env: Readonly<Record<string, string>>): Promise<RedisServer> {
    const [port = 0] = await freePorts(1)
    const server = new RedisServer(port)
    server.#env = env
    await server.start()
    return server
  }

  /** The same as a node that may join a cluster; it listens to the others 10,000 ports further up. */
  static async startNode(...more: readonly string[]): Promise<RedisServer> {
    for (;;) {
      const [port = 0] = await freePorts(1)
      if (port + BUS_AWAY > BUS_MAX || (await isListening(port + BUS_AWAY))) continue
      const server = new RedisServer(port)
      await server.start(...more)
      return server
    }
  }

  /** The same on a disk of its own that can be filled; needs root, `hasDisk` says whether there is one. */
  static async startOnDisk(megabytes: number): Promise<RedisServer> {
    const [port = 0] = await freePorts(1)
    const server = new RedisServer(port)
    server.#disk = new Disk(server.#dir, megabytes)
    await server.start()
    return server
  }

  get hasDisk(): boolean {
    return this.#disk?.isThere === true
  }

  /** Leaves so many bytes of its disk free. */
  fillDisk(left: number): void {
    this.#disk?.fill(left)
  }

  /** Gives the space back. */
  freeDisk(): void {
    this.#disk?.free()
  }

  /** Starts it on what its directory holds, and waits until it answers. */
  async start(...more: readonly string[]): Promise<void> {
    const listen = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir]
    this.#more = more.length > 0 ? more : this.#more
    const env = { ...process.env, ...this.#env }
    const args = [...listen, ...redisSettings, ...this.#more]
    this.#child = spawn('redis-server', args, { stdio: 'ignore', env })
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
    const file = this.#logFile()
    const { size } = statSync(file)
    truncateSync(file, Math.max(size - bytes, 0))
    return size
  }

  /** Ends the append-only file inside the command that follows the last one of a name. */
  tearLogBehind(command: string): void {
    const file = this.#logFile()
    const text = readFileSync(file, 'latin1')
    const found = text.lastIndexOf(`\r\n${command}\r\n`)
    if (found === -1) throw new Error(`no ${command} stands in ${file}`)
    const end = text.indexOf('\r\n*', found)
    truncateSync(file, end === -1 ? text.length : end + 5)
  }

  #logFile(): string {
    const folder = join(this.#dir, 'appendonlydir')
    const files = readdirSync(folder).filter((name) => name.endsWith('.incr.aof'))
    return join(folder, files.sort().at(-1) ?? '')
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
    this.#disk?.remove()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
