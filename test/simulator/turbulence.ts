import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import { scriptHash } from '#drivers/redis/script.ts'
import type { Next } from './event-log.ts'

/** A process died, or never heard an answer. */
export class Crash extends Error {}

/** No part of a life: which keys a scan finds first, and in how many steps, depends on their hashes and on what else is here. */
const SCAN = scriptHash('scan-shard.lua')

/** Mishaps happen inside mishaps, this deep. */
const DEPTH_MAX = 3

const depthOf = new AsyncLocalStorage<number>()

/** How many mishaps, one inside another, what runs now is inside of. */
export function mishapDepth(): number {
  return depthOf.getStore() ?? 0
}

/** What tells the keys of a run from those of another. */
const RUN = /\{[0-9a-f]{8}-/g

const COMMANDS = new Set(Redis.prototype.getBuiltinCommands())

/** A bad network, and everything that can happen while somebody waits for an answer. */
export class Turbulence {
  readonly #redis: Redis
  readonly #next: Next
  readonly #mishap: () => Promise<void>
  /** The last call of each depth of mishaps inside mishaps. */
  readonly #turns: Promise<unknown>[] = []
  readonly #calls = createHash('sha1')
  isCalm = false

  constructor(redis: Redis, next: Next, mishap: () => Promise<void>) {
    this.#redis = redis
    this.#next = next
    this.#mishap = mishap
  }

  /** All calls up to now with their first keys, whichever run it is, and how deep in mishaps they were. */
  get life(): string {
    return this.#calls.copy().digest('hex')
  }

  #note(...call: readonly unknown[]): void {
    this.#calls.update(`${mishapDepth()} ${call.join(' ').replaceAll(RUN, '{')}\n`)
  }

  /** Makes a call that may never run, run late, or lose its answer. */
  async call<Value>(run: () => Promise<Value>): Promise<Value> {
    if (this.isCalm) return run()
    const mishap = this.#next(40)
    if (mishap === 0) throw new Crash('the call never ran')
    if (mishap < 8) await this.#inBetween()
    const answer = await run()
    if (mishap === 39) throw new Crash('the answer was lost')
    return answer
  }

  /** Makes a call after those before it: calls made at once run in order, so that a seed is the same life every time. */
  inTurn<Value>(run: () => Promise<Value>): Promise<Value> {
    return this.#inTurn(() => this.call(run))
  }

  #inTurn<Value>(run: () => Promise<Value>): Promise<Value> {
    const depth = mishapDepth()
    const turn = (this.#turns[depth] ?? Promise.resolve()).then(run)
    this.#turns[depth] = turn.catch(() => undefined)
    return turn
  }

  /** Redis as a bad network shows it to scripts; what only reads, or keeps a lease, waits its turn and is answered. */
  redis(): Redis {
    return new Proxy(this.#redis, {
      get: (redis, name) => {
        if (name === 'evalsha' || name === 'eval') {
          return (...args: unknown[]) => {
            const run = (): Promise<unknown> => {
              if (args[0] !== SCAN && name !== 'eval')
                this.#note(...args.slice(0, 2 + Math.min(Number(args[1]), 2)))
              return Reflect.apply(Reflect.get(redis, name), redis, args)
            }
            if (args[0] === SCAN) return this.#inTurn(() => wholeScan(redis, args))
            // A script goes whole where Redis did not hold it yet: its mishaps came when it was sent by its hash.
            return name === 'eval' ? this.#inTurn(run) : this.inTurn(run)
          }
        }
        const value: unknown = Reflect.get(redis, name)
        if (typeof value !== 'function') return value
        if (!COMMANDS.has(String(name))) return value.bind(redis)
        return (...args: unknown[]) =>
          this.#inTurn(async () => {
            this.#note(name, args[0])
            const answer: unknown = await Reflect.apply(value, redis, args)
            // By the clock: whether two holds were made in the same millisecond is no part of a life.
            const isDue = name === 'zrangebyscore' && !args.includes('WITHSCORES')
            return isDue && Array.isArray(answer) ? answer.toSorted() : answer
          })
      },
    })
  }

  async #inBetween(): Promise<void> {
    const depth = mishapDepth()
    if (depth >= DEPTH_MAX) return
    await depthOf.run(depth + 1, () => this.survive())
  }

  /** One mishap, and whatever calls a crash left on their way. */
  async survive(): Promise<void> {
    await this.#mishap().catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error
    })
    const depth = mishapDepth()
    for (let last: Promise<unknown> | undefined; last !== this.#turns[depth]; ) {
      last = this.#turns[depth]
      await last
      await this.#redis.ping()
    }
  }
}

/** All that a scan finds in one answer and in order; `args`: hash, 1, key, cursor, pattern, how many to look at. */
async function wholeScan(redis: Redis, args: readonly unknown[]): Promise<unknown> {
  const found = new Set<unknown>()
  let [run, cursor]: readonly unknown[] = ['', '0']
  do {
    const reply: unknown = await Reflect.apply(redis.evalsha, redis, args.toSpliced(3, 1, cursor))
    if (!Array.isArray(reply)) throw new TypeError('a scan answers with a list')
    let keys: readonly unknown[]
    ;[run, cursor, ...keys] = reply
    for (const key of keys) found.add(key)
  } while (cursor !== '0')
  return [run, cursor, ...[...found].sort()]
}
