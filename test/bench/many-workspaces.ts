import { randomUUID } from 'node:crypto'
import { allShardKeys, SHARDS_DEFAULT } from '#drivers/redis/keys.ts'
import { keysOf, subscribeMany } from '#test/helpers/bulk-subscriber.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { type Among, USED } from './growth-rows.ts'

const AT_ONCE = 2_000
/** So long nobody judges and nobody keeps: what is measured is the paths, and one size like the other. */
const LEASE_MS = 600_000
const shards = allShardKeys(SHARDS_DEFAULT)

/** Workspaces of a benchmark, each subscribed and used. */
export class ManyWorkspaces {
  readonly #system: System
  readonly #prefix = `many-${randomUUID().slice(0, 6)}`
  #count = 0
  #events = 0
  readonly #turns: Record<Among, number> = { same: 0, any: 0 }

  constructor(system: System) {
    this.#system = system
  }

  /** How many there are. */
  get count(): number {
    return this.#count
  }

  /** The next of the thousand in turn, or of any, spread over all of them: it goes on where it was, so that few were just asked about. */
  next(among: Among): string {
    const turn = this.#turns[among]++
    const spread = (Math.imul(turn + 1, 2_654_435_761) >>> 0) % this.#count
    return this.#name(among === 'same' ? ((turn % USED) * this.#count) / USED : spread)
  }

  /** Has so many of them, each with leads and credits used once. */
  async growTo(count: number): Promise<void> {
    for (let from = this.#count; from < count; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, count - from)
      const names = Array.from({ length }, (_, index) => this.#name(from + index))
      await subscribeMany(this.#system, names, { nextAt: null })
      const lead = { leadId: 'l', action: 'created' }
      const call = { function: 'summary', credits: 1 }
      await Promise.all(names.map((workspace) => this.#write('LeadEvent', workspace, lead)))
      await Promise.all(names.map((workspace) => this.#write('AiCallEvent', workspace, call)))
    }
    this.#count = count
    await this.settle()
  }

  /** Uses leads of them so often, and waits until all is counted. */
  async use(among: Among, events: number): Promise<void> {
    const lead = { leadId: 'l', action: 'created' }
    for (let from = 0; from < events; from += AT_ONCE) {
      const names = Array.from({ length: Math.min(AT_ONCE, events - from) }, () => this.next(among))
      await Promise.all(names.map((workspace) => this.#write('LeadEvent', workspace, lead)))
    }
    await this.#counted()
  }

  /** Waits until all is counted, and leaves it as it is once everything was judged and kept: nothing waits. */
  async settle(): Promise<void> {
    await this.#counted()
    const { redis } = this.#system
    await redis.del(shards.flatMap(({ dirty, judge }) => [dirty, judge]))
  }

  /** Takes the leases of what goes on beside the paths. */
  async holdBackOthers(): Promise<void> {
    for (const keys of shards)
      for (const what of ['judge', 'snapshot'])
        await this.#system.redis.set(keys.lease(what), 'bench', 'PX', LEASE_MS)
  }

  /** Gives them back. */
  async giveBack(): Promise<void> {
    await this.#system.redis.del(shards.flatMap((keys) => [keys.lease('judge'), keys.lease('snapshot')]))
  }

  /** What single keys of a workspace take, on average over some. */
  async partsOf(): Promise<string> {
    const { redis } = this.#system
    const [facts, counters] = [redis.pipeline(), redis.pipeline()]
    for (let turn = 0; turn < USED; turn += 1) {
      const workspace = this.next('same')
      facts.memory('USAGE', keysOf(workspace).facts(workspace))
      counters.memory('USAGE', keysOf(workspace).usage(workspace))
    }
    const agenda = redis.pipeline()
    for (const keys of shards) agenda.memory('USAGE', keys.agenda, 'SAMPLES', 0)
    const sum = async (pipeline: typeof facts): Promise<number> =>
      ((await pipeline.exec()) ?? []).reduce((total, [, bytes]) => total + Number(bytes), 0)
    const parts = [await sum(facts), await sum(counters)].map((bytes) => (bytes / USED).toFixed(0))
    return `facts ${parts[0]}, counters ${parts[1]}, agenda ${((await sum(agenda)) / this.#count).toFixed(0)}`
  }

  /** Until a last event of each partition's own was counted: they are counted in the order of the log. */
  async #counted(): Promise<void> {
    const probe = `probe-${randomUUID()}`
    const names = Array.from({ length: 64 }, (_, index) => `${probe}-${index}`)
    await Promise.all(names.map((name) => this.#write('LeadEvent', name, { leadId: 'l', action: 'created' })))
    const { redis } = this.#system
    await eventually(
      () => Promise.all(names.map((name) => redis.hget(keysOf(name).usage(name), 'leads'))),
      (counts) => counts.every((count) => count === '1'),
      { what: 'all events to be counted', withinMs: 180_000 },
    )
    await redis.del(names.map((name) => keysOf(name).usage(name)))
  }

  async #write(record: 'LeadEvent' | 'AiCallEvent', workspace: string, fields: object): Promise<void> {
    const id = `e${this.#events++}`
    const value = Object({ id, workspace, occurredAt: Date.now(), source: 'bench', ...fields })
    await this.#system.writer.write({ record, value })
  }

  #name(index: number): string {
    return `${this.#prefix}-${index}`
  }
}
