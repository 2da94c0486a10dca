import kafkajs from 'kafkajs'
import type { Logger } from 'pino'
import { TallygateError } from '#core/errors.ts'
import type { CounterStore, HoldStore } from '#core/ports.ts'
import { Circuit, type CircuitOptions } from '#drivers/circuit.ts'
import type { UsageWriter } from '#drivers/kafka/usage-writer.ts'
import type { ApiMetrics } from '#drivers/metrics.ts'
import { answeredByMongo } from '#drivers/mongo/connect.ts'
import { answeredByRedis } from '#drivers/redis/connect.ts'
import { shardOf } from '#drivers/redis/keys.ts'

/** How long facts and keys are waited for in MongoDB, ms; an answer does not wait so long, the next one finds them. */
const MONGO_WITHIN_MS = 2_000
/** Longer than the writer waits itself. */
const KAFKA_WITHIN_MS = 6_000
const LAPSE_EVERY_MS = 10_000

interface CircuitDeps {
  readonly metrics: Pick<ApiMetrics, 'circuits'>
  readonly log: Logger
  /** Shards that fail apart from one another, as those of a cluster's nodes do; 1 where one server has all. */
  readonly redisParts: number
  /** How long counters may take, ms. */
  readonly readsWithinMs: number
  /** How long a hold may take, ms. */
  readonly holdsWithinMs: number
}

/** One circuit for each way in which requests lean on something else. */
export type Circuits = ReturnType<typeof openCircuits>

/**
 * Makes the circuits, all closed.
 *
 * Reads and holds of Redis are two: where it is slow checks answer by policy while use is still counted exactly. Of a
 * cluster each shard has its own two, so that a master that is away leaves the others' workspaces alone.
 */
export function openCircuits({ metrics, log, redisParts, readsWithinMs, holdsWithinMs }: CircuitDeps) {
  const circuits = (name: string, options: OwnOptions, parts = 1): readonly Circuit[] => {
    const labels = { dependency: name }
    let open = 0
    metrics.circuits.set(labels, 0)
    const onChange = (isOpen: boolean): void => {
      open += isOpen ? 1 : -1
      metrics.circuits.set(labels, open)
      const part = parts === 1 ? '' : ` for a part of the workspaces`
      if (isOpen && open === 1)
        log.warn(labels, `${options.dependency} does not answer${part}; it is asked at most twice a second`)
      if (!isOpen && open === 0) log.info(labels, `${options.dependency} answers again, or is asked no more`)
    }
    const now = (): number => performance.now()
    const made = Array.from({ length: parts }, () => new Circuit({ ...options, now, onChange }))
    setInterval(() => {
      for (const one of made) one.lapse()
    }, LAPSE_EVERY_MS).unref()
    return made
  }
  const circuit = (name: string, options: OwnOptions): Circuit => ofWorkspace(circuits(name, options))('')
  const redis = { dependency: 'Redis', isAnswer: answeredByRedis }
  return {
    reads: ofWorkspace(circuits('redis_reads', { ...redis, withinMs: readsWithinMs }, redisParts)),
    holds: ofWorkspace(circuits('redis_holds', { ...redis, withinMs: holdsWithinMs }, redisParts)),
    mongo: circuit('mongodb', {
      dependency: 'MongoDB',
      withinMs: MONGO_WITHIN_MS,
      isAnswer: answeredByMongo,
    }),
    kafka: circuit('kafka', { dependency: 'Kafka', withinMs: KAFKA_WITHIN_MS, isAnswer: refusedByKafka }),
  }
}

type OwnOptions = Pick<CircuitOptions, 'dependency' | 'withinMs' | 'isAnswer'>

/** The circuit in front of a workspace's shard. */
export type CircuitOf = (workspace: string) => Circuit

function ofWorkspace(circuits: readonly Circuit[]): CircuitOf {
  return (workspace) => {
    const circuit = circuits.length === 1 ? circuits[0] : circuits[shardOf(workspace, circuits.length)]
    if (circuit === undefined) throw new RangeError(`no circuit for ${workspace}`)
    return circuit
  }
}

/** Counters behind the circuits of their shards. */
export function guardCounters(counters: CounterStore, circuitOf: CircuitOf): CounterStore {
  return { read: (workspace, plan) => circuitOf(workspace).call(() => counters.read(workspace, plan)) }
}

/** Holds behind the circuits of their shards. */
export function guardHolds(holds: HoldStore, circuitOf: CircuitOf): HoldStore {
  return {
    hold: (wish, basis) => circuitOf(wish.workspace).call(() => holds.hold(wish, basis)),
    commit: (name, quantities) => circuitOf(name.workspace).call(() => holds.commit(name, quantities)),
    release: (name) => circuitOf(name.workspace).call(() => holds.release(name)),
    keepAnswer: (name, kept) => circuitOf(name.workspace).call(() => holds.keepAnswer(name, kept)),
    counted: (workspace, ids) => circuitOf(workspace).call(() => holds.counted(workspace, ids)),
    now: () => holds.now(),
  }
}

type GuardedWriter = Pick<UsageWriter, 'encode' | 'send' | 'produce' | 'requireReachable'>

/** The way into the log behind a circuit; what is held already and not written is `unknown`. */
export function guardWriter(writer: UsageWriter, circuit: Circuit): GuardedWriter {
  return {
    encode: (record, value) => writer.encode(record, value),
    requireReachable: () => {
      writer.requireReachable()
      circuit.requirePassable()
    },
    send: async (records) => (records.length === 0 ? undefined : circuit.call(() => writer.send(records))),
    produce: async (events) => {
      if (events.length === 0) return
      await circuit.call(() => writer.produce(events)).catch(asUnknown)
    },
  }
}

function asUnknown(error: unknown): never {
  if (!(error instanceof TallygateError) || error.code !== 'unavailable') throw error
  const message = `it may be held and is not written yet: ${error.message}; retry with the same id`
  throw new TallygateError('unknown', message, {}, error)
}

/** Whether the brokers refused what was sent for good, so that they can be reached. */
function refusedByKafka(error: unknown): boolean {
  const said = error instanceof TallygateError ? error.cause : error
  return said instanceof kafkajs.KafkaJSProtocolError && !said.retriable
}
