import type { Kafka, ProducerBatch } from 'kafkajs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GatheringProducer } from './producer.ts'

interface Request {
  readonly keys: readonly unknown[]
  readonly acks: number | undefined
  readonly answer: PromiseWithResolvers<void>
}

/** A broker that answers when a test says so. */
function brokerOf(): { readonly kafka: Kafka; readonly requests: Request[] } {
  const requests: Request[] = []
  const sendBatch = ({ topicMessages = [], acks }: ProducerBatch): Promise<void> => {
    const keys = topicMessages.flatMap(({ messages }) => messages.map(({ key }) => key))
    const answer = Promise.withResolvers<void>()
    requests.push({ keys, acks, answer })
    return answer.promise
  }
  const disconnect = async (): Promise<void> => undefined
  return { kafka: { producer: () => ({ sendBatch, disconnect }) } as unknown as Kafka, requests }
}

const record = (key: string) => ({ topic: 'usage.events', key, value: Buffer.alloc(0) }) as const
/** Long enough for what was settled to be acted on; timers stand still meanwhile. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('a record leaves at the end of its turn, and what comes while it is under way shares the next request', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  const first = producer.send(record('a'))
  await turns()
  const later = [producer.send(record('b')), producer.send(record('c'), record('d'))]
  await turns()
  expect(requests.map(({ keys }) => keys)).toEqual([['a']])
  requests[0]?.answer.resolve()
  await first
  await turns()
  expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c', 'd']])
  requests[1]?.answer.reject(new Error('gone'))
  for (const one of later) await expect(one).rejects.toThrow('gone')
})

test('G1: every request asks for the word of all replicas in step: a leader that dies takes nothing along that was acknowledged', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  for (const key of ['a', 'b']) {
    void producer.send(record(key))
    await turns()
    vi.advanceTimersByTime(10)
  }
  expect(requests.map(({ acks }) => acks)).toEqual([-1, -1])
})

test('records wait 10 ms for a slow broker, and for as long as it takes when three requests are under way', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  for (const key of ['a', 'b', 'c', 'd']) {
    void producer.send(record(key))
    await turns()
    vi.advanceTimersByTime(10)
  }
  vi.advanceTimersByTime(100)
  await turns()
  expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['b'], ['c']])
  const stopped = producer.stop()
  for (const { answer } of requests) answer.resolve()
  await turns()
  expect(requests.map(({ keys }) => keys).at(-1)).toEqual(['d'])
  requests.at(-1)?.answer.resolve()
  await stopped
})

test('records that are not acknowledged in time are late; those that still wait then do not leave any more', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka, 1_000)
  const late: Promise<void>[] = []
  for (const key of ['a', 'b', 'c', 'd']) {
    late.push(expect(producer.send(record(key))).rejects.toThrow('no acknowledgement in time'))
    await turns()
    vi.advanceTimersByTime(10)
  }
  vi.advanceTimersByTime(1_000)
  await Promise.all(late)
  requests[0]?.answer.resolve()
  await turns()
  const next = producer.send(record('e'))
  vi.advanceTimersByTime(10)
  expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['b'], ['c'], ['e']])
  requests[3]?.answer.resolve()
  await next
})

test('a producer stops though all that still waits is late', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka, 1_000)
  const late: Promise<void>[] = []
  for (const key of ['a', 'b', 'c', 'd']) {
    late.push(expect(producer.send(record(key))).rejects.toThrow('no acknowledgement in time'))
    await turns()
    vi.advanceTimersByTime(10)
  }
  vi.advanceTimersByTime(1_000)
  await Promise.all(late)
  let isStopped = false
  const stopped = producer.stop().then(() => {
    isStopped = true
  })
  for (const { answer } of requests) answer.resolve()
  await turns()
  await turns()
  expect(isStopped).toBe(true)
  await stopped
  expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['b'], ['c']])
})

test('a request stays below what brokers take of one partition, and who gave more waits for all of it', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  const large = (key: string) => ({ topic: 'usage.events', key, value: Buffer.alloc(400_000) }) as const
  let isWritten = false
  const all = producer.send(large('a'), large('b'), large('c')).then(() => {
    isWritten = true
  })
  await turns()
  vi.advanceTimersByTime(10)
  expect(requests.map(({ keys }) => keys)).toEqual([['a', 'b'], ['c']])
  requests[0]?.answer.resolve()
  await turns()
  expect(isWritten).toBe(false)
  requests[1]?.answer.resolve()
  await all
})

test('keys and headers take place in a request, too: it stays below what brokers take with a trace on each record', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  const headers = { traceparent: 't'.repeat(55), tracestate: 's'.repeat(300) }
  const traced = { topic: 'usage.events', key: 'w'.repeat(64), value: Buffer.alloc(350), headers } as const
  const all = producer.send(...Array.from({ length: 2_000 }, () => traced))
  await turns()
  vi.advanceTimersByTime(10)
  const sizes = requests.map(({ keys }) => keys.length)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2_000)
  expect(Math.max(...sizes) * (64 + 350 + 11 + 55 + 10 + 300)).toBeLessThan(1_048_576)
  for (const { answer } of requests) answer.resolve()
  await all
})
