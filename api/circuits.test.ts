import { MongoServerError } from 'mongodb'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { CounterStore } from '#core/ports.ts'
import { FAILURES_MAX } from '#drivers/circuit.ts'
import { apiMetrics, createMetrics } from '#drivers/metrics.ts'
import { shardOf } from '#drivers/redis/keys.ts'
import { type Circuits, guardCounters, openCircuits } from './circuits.ts'

const SHARDS = 64
const AWAY = 'workspace-on-a-node-that-is-away'
const plan = { fields: [], sets: [] }
const elsewhere = Array.from({ length: 50 }, (_, index) => `workspace-${index}`).filter(
  (workspace) => shardOf(workspace, SHARDS) !== shardOf(AWAY, SHARDS),
)

function open(redisParts: number): { readonly circuits: Circuits; readonly gauge: () => Promise<string> } {
  const registry = createMetrics()
  const options = { metrics: apiMetrics(registry), log: pino({ level: 'silent' }), redisParts }
  return {
    circuits: openCircuits({ ...options, readsWithinMs: 50, holdsWithinMs: 250 }),
    gauge: async () =>
      /tallygate_circuit_open\{dependency="redis_reads"\} \d+/.exec(await registry.metrics())?.[0] ?? '',
  }
}

/** Counters of which one shard's node never answers, and the workspaces that were asked for. */
function counters(circuits: Circuits): { readonly store: CounterStore; readonly asked: string[] } {
  const asked: string[] = []
  const read = async (workspace: string): Promise<never> => {
    asked.push(workspace)
    throw workspace === AWAY ? new Error('Connection is closed.') : new TypeError('answered')
  }
  return { store: guardCounters({ read }, circuits.reads), asked }
}

async function fail(store: CounterStore, workspace: string): Promise<void> {
  for (let call = 0; call < FAILURES_MAX; call += 1)
    await expect(store.read(workspace, plan)).rejects.toThrow()
}

test('a node of a cluster that is away closes nobody else out', async () => {
  const { circuits, gauge } = open(SHARDS)
  const { store, asked } = counters(circuits)
  await fail(store, AWAY)
  await expect(store.read(AWAY, plan)).rejects.toThrow('lately')
  for (const workspace of elsewhere) await expect(store.read(workspace, plan)).rejects.toThrow()
  expect(asked.slice(FAILURES_MAX)).toEqual(elsewhere)
  expect(await gauge()).toMatch(/ 1$/)
})

test('one server that is away is asked by nobody for a while', async () => {
  const { circuits } = open(1)
  const { store, asked } = counters(circuits)
  await fail(store, AWAY)
  await expect(store.read(elsewhere[0] ?? '', plan)).rejects.toThrow('lately')
  expect(asked).toHaveLength(FAILURES_MAX)
})

test.for([
  ['has stepped down', 189],
  ['is no primary', 10_107],
  ['shuts down', 91],
  ['was interrupted by it', 11_600],
  ['has no majority in time', 64],
  ['has no disk left', 14_031],
] as const)(
  'G13: a MongoDB that %s is away: the answer is 503, and soon nobody waits for it',
  async ([, code]) => {
    const { circuits } = open(1)
    const failing = async (): Promise<never> => {
      throw new MongoServerError({ message: 'not now', code })
    }
    for (let call = 0; call < FAILURES_MAX; call += 1)
      await expect(circuits.mongo.call(failing)).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    await expect(circuits.mongo.call(failing)).rejects.toThrow('lately')
  },
)

test('a MongoDB that refuses what it is asked can be reached: that is a fault to be seen', async () => {
  const { circuits } = open(1)
  const refused = new MongoServerError({ message: 'not authorized on tallygate', code: 13 })
  for (let call = 0; call <= FAILURES_MAX; call += 1)
    await expect(circuits.mongo.call(() => Promise.reject(refused))).rejects.toBe(refused)
})
