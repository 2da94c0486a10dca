import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Admin } from 'kafkajs'
import { cacheDir } from '#deploy/local/cache.ts'
import { clusterId, fetchKafka, formatKafka, type KafkaJava, kafka, kafkaArgs } from '#deploy/local/kafka.ts'
import { freePorts } from '#deploy/local/ports.ts'
import { lastLines, runningPid, startProgram, stopProgram } from '#deploy/local/process.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { freeze } from '#test/chaos/freeze.ts'
import { engineDir } from '#test/helpers/engine-dir.ts'
import { eventually } from '#test/helpers/eventually.ts'

interface Broker {
  readonly id: number
  readonly port: number
  readonly controller: number
}

const ids = [1, 2, 3] as const

/** Three Java machines at once, beside other tests. */
const STARTS_WITHIN_MS = 180_000

/** Three brokers, each a controller, too; what is written is acknowledged by two of them at least. */
export class KafkaCluster {
  readonly #dir = engineDir('kafka')
  readonly #brokers: readonly Broker[]
  readonly #java: KafkaJava

  private constructor(brokers: readonly Broker[], java: KafkaJava) {
    this.#brokers = brokers
    this.#java = java
  }

  static async start(): Promise<KafkaCluster> {
    const ports = await freePorts(2 * ids.length)
    const brokers = ids.map((id, index) => {
      return { id, port: ports[2 * index] ?? 0, controller: ports[2 * index + 1] ?? 0 }
    })
    const java = await fetchKafka({ cache: cacheDir(process.env), report: () => undefined })
    const cluster = new KafkaCluster(brokers, java)
    const id = clusterId()
    await Promise.all(brokers.map((broker) => cluster.#format(broker, id)))
    await using started = new AsyncDisposableStack()
    started.defer(() => cluster.stop())
    for (const broker of brokers) cluster.start(broker.id)
    await eventually(
      () => cluster.#registered(),
      (count) => count === ids.length,
      {
        what: `three brokers to know each other\n${lastLines(cluster.#dir, 'broker-1')}`,
        withinMs: STARTS_WITHIN_MS,
      },
    )
    started.move()
    return cluster
  }

  /** Addresses of all brokers, as KAFKA_BROKERS has them. */
  get addresses(): string {
    return this.#brokers.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  /** Starts a broker on what its directory holds. */
  start(id: number): void {
    const { port } = this.#brokerOf(id)
    const args = kafkaArgs(this.#java, this.#settingsOf(id))
    startProgram(this.#dir, { name: `broker-${id}`, file: 'java', args, port })
  }

  /** Ends a broker as a crash does. */
  kill(id: number): void {
    const pid = runningPid(this.#dir, `broker-${id}`)
    if (pid === null) throw new Error(`broker ${id} does not run`)
    process.kill(pid, 'SIGKILL')
  }

  /** Stops every broker but one where it stands: what that one takes nobody else has; what lets them go on again. */
  async freezeOthers(id: number): Promise<() => void> {
    const pids = ids
      .filter((other) => other !== id)
      .map((other) => runningPid(this.#dir, `broker-${other}`) ?? Number.NaN)
    await Promise.all(pids.map(freeze))
    return () => {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
  }

  /** Partitions of a topic that each broker leads. */
  async led(topic: string): Promise<ReadonlyMap<number, readonly number[]>> {
    const { topics } = await this.ask((admin) => admin.fetchTopicMetadata({ topics: [topic] }))
    const own = topics[0]?.partitions ?? []
    return new Map(
      ids.map((id) => [id, own.filter(({ leader }) => leader === id).map(({ partitionId }) => partitionId)]),
    )
  }

  /** The broker that keeps the positions of a consumer group. */
  async coordinatorOf(groupId: string): Promise<number> {
    return this.ask(async (admin) => {
      const { brokers } = await admin.describeCluster()
      const { topics } = await admin.fetchTopicMetadata({ topics: ['__consumer_offsets'] })
      const partitions = topics[0]?.partitions ?? []
      const own = partitions.find(({ partitionId }) => partitionId === javaHash(groupId) % partitions.length)
      return own?.leader ?? brokers[0]?.nodeId ?? 1
    })
  }

  /** How many replicas of a topic's partitions are in step, the least of all. */
  async inSync(topic: string): Promise<number> {
    return this.ask(async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return Math.min(...(topics[0]?.partitions ?? []).map(({ isr }) => isr.length))
    })
  }

  async stop(): Promise<void> {
    await Promise.all(ids.map((id) => stopProgram(this.#dir, `broker-${id}`)))
    rmSync(this.#dir, { recursive: true, force: true })
  }

  async #registered(): Promise<number> {
    await Promise.all(this.#brokers.map(({ port }) => kafka.ping(`127.0.0.1:${port}`)))
    return this.ask(async (admin) => (await admin.describeCluster()).brokers.length)
  }

  /** Asks the brokers, of whom one at least has to answer. */
  async ask<Value>(question: (admin: Admin) => Promise<Value>): Promise<Value> {
    const log = createLogger('test', 'silent')
    const admin = connectKafka({ brokers: this.addresses, clientId: 'cluster', log }).admin()
    await admin.connect()
    try {
      return await question(admin)
    } finally {
      await admin.disconnect()
    }
  }

  #brokerOf(id: number): Broker {
    const found = this.#brokers.find((broker) => broker.id === id)
    if (found === undefined) throw new RangeError(`no broker ${id}`)
    return found
  }

  #settingsOf(id: number): string {
    return join(this.#dir, `broker-${id}.properties`)
  }

  async #format({ id, port, controller }: Broker, name: string): Promise<void> {
    const data = join(this.#dir, `data-${id}`)
    mkdirSync(data, { recursive: true })
    const settings = {
      'process.roles': 'broker,controller',
      'node.id': id,
      'controller.quorum.voters': this.#brokers
        .map((broker) => `${broker.id}@127.0.0.1:${broker.controller}`)
        .join(','),
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'controller.listener.names': 'CONTROLLER',
      'log.dirs': data,
      'offsets.topic.replication.factor': ids.length,
      'offsets.topic.num.partitions': 6,
      'group.initial.rebalance.delay.ms': 0,
      'auto.create.topics.enable': false,
      'unclean.leader.election.enable': false,
    }
    const text = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(this.#settingsOf(id), text.join(''))
    await formatKafka({ java: this.#java, settings: this.#settingsOf(id), id: name })
  }
}

/** Java's hash of a text, not negative: by it Kafka chooses the partition that keeps a group's positions. */
function javaHash(text: string): number {
  let hash = 0
  for (const letter of text) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0
  return hash & 0x7fffffff
}
