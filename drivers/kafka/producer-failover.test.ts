import type { Kafka, ProducerConfig } from 'kafkajs'
import createProducer from 'kafkajs/src/producer/index.js'
import { expect, onTestFinished, test, vi } from 'vitest'
import { partitionerOf } from './partitioner.ts'
import { GatheringProducer } from './producer.ts'

/** What stands in a partition, in the order of its log. */
type Written = Map<number, string[]>

interface ProduceRequest {
  readonly topicData: readonly {
    readonly partitions: readonly {
      readonly partition: number
      readonly messages: readonly { readonly value: Buffer }[]
    }[]
  }[]
}

/** kafkajs' own producer on two brokers, each the leader of one partition, until the second is gone and the first leads both. */
function twoBrokers(written: Written): Kafka {
  let isSecondGone = false
  const broker = (nodeId: number) => ({
    nodeId,
    produce: async ({ topicData }: ProduceRequest) => {
      if (nodeId === 2) {
        await new Promise((resolve) => setImmediate(resolve))
        isSecondGone = true
        throw Object.assign(new Error('connection closed'), { name: 'KafkaJSConnectionClosedError' })
      }
      for (const { partitions } of topicData)
        for (const { partition, messages } of partitions)
          written.set(partition, [
            ...(written.get(partition) ?? []),
            ...messages.map(({ value }) => `${value}`),
          ])
      return { topics: [] }
    },
  })
  const brokers = [broker(1), broker(2)]
  const nothing = async (): Promise<void> => undefined
  const leaderOf = (partition: number): number => (partition === 0 || isSecondGone ? 1 : 2)
  const cluster = {
    isConnected: () => true,
    connect: nothing,
    disconnect: nothing,
    removeBroker: () => undefined,
    refreshMetadata: nothing,
    refreshMetadataIfNecessary: nothing,
    addMultipleTargetTopics: nothing,
    targetTopics: new Set<string>(),
    findTopicPartitionMetadata: () =>
      [0, 1].map((partitionId) => ({ partitionId, leader: leaderOf(partitionId) })),
    findLeaderForPartitions: (_topic: string, partitions: readonly string[]) =>
      Object.groupBy(partitions.map(Number), (partition) => leaderOf(partition)),
    findBroker: async ({ nodeId }: { readonly nodeId: string }) => brokers[Number(nodeId) - 1],
  }
  const levels = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map((level) => [level, () => undefined]),
  )
  const logger = { namespace: () => levels }
  return Object({ producer: (config: ProducerConfig) => createProducer({ ...config, cluster, logger }) })
}

test('G1: what a broker that went away did not take is written by one that had answered the same request', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const written: Written = new Map()
  const producer = new GatheringProducer(twoBrokers(written))
  await producer.start()
  const partitionOf = partitionerOf(2)
  const keys = Array.from({ length: 8 }, (_, n) => `w${n}`)
  const all = producer.send(
    ...keys.map((key) => ({ topic: 'usage.events', key, value: Buffer.from(key) }) as const),
  )
  let isWritten = false
  void all.then(() => {
    isWritten = true
  })
  for (let turn = 0; turn < 50 && !isWritten; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
    vi.advanceTimersByTime(100)
  }
  await all
  for (const partition of [0, 1]) {
    const own = keys.filter((key) => partitionOf(key) === partition)
    expect(own).not.toEqual([])
    expect([...new Set(written.get(partition))]).toEqual(own)
  }
  await producer.stop()
})
