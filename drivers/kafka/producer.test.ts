import kafkajs, { type Kafka, type Message, type ProducerBatch } from 'kafkajs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GatheringProducer } from './producer.ts'

interface Request {
  readonly keys: readonly unknown[]
  readonly messages: readonly Message[]
  readonly acks: number | undefined
  readonly answer: PromiseWithResolvers<void>
}

/** A broker that answers when a test says so. */
function brokerOf(): { readonly kafka: Kafka; readonly requests: Request[] } {
  const requests: Request[] = []
  const sendBatch = ({ topicMessages = [], acks }: ProducerBatch): Promise<void> => {
    const messages = topicMessages.flatMap((given) => given.messages)
    const answer = Promise.withResolvers<void>()
    requests.push({ keys: messages.map(({ key }) => key), messages, acks, answer })
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
  const traced = (n: number) =>
    ({ topic: 'usage.events', key: `${n}`.padStart(64, 'w'), value: Buffer.alloc(350), headers }) as const
  const all = producer.send(...Array.from({ length: 2_000 }, (_, n) => traced(n)))
  await turns()
  vi.advanceTimersByTime(10)
  const sizes = requests.map(({ keys }) => keys.length)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2_000)
  expect(Math.max(...sizes) * (64 + 350 + 11 + 55 + 10 + 300)).toBeLessThan(1_048_576)
  for (const { answer } of requests) answer.resolve()
  await all
})

test('no second request leaves with a key that is under way, and other keys go on meanwhile', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  const keys = (): unknown => requests.map((request) => request.keys)
  const give = async (...names: string[]): Promise<void> => {
    for (const name of names) void producer.send(record(name)).catch(() => undefined)
    await turns()
    vi.advanceTimersByTime(10)
  }
  await give('a', 'b')
  await give('a', 'c', 'a')
  expect(keys()).toEqual([['a', 'b'], ['c']])
  await give('c', 'd')
  expect(keys()).toEqual([['a', 'b'], ['c'], ['d']])
  requests[1]?.answer.resolve()
  await turns()
  expect(keys()).toEqual([['a', 'b'], ['c'], ['d'], ['c']])
  requests[2]?.answer.reject(new Error('gone'))
  requests[0]?.answer.resolve()
  await turns()
  expect(keys()).toEqual([['a', 'b'], ['c'], ['d'], ['c'], ['a', 'a']])
})

test('records of one key leave in the order in which they came, also where a request takes no more of them', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  const of = (key: string, size: number) =>
    ({ topic: 'usage.events', key, value: Buffer.alloc(size) }) as const
  const given = [
    of('a', 500_000),
    of('a', 500_000),
    of('b', 500_000),
    of('a', 1),
    of('a', 500_000),
    of('b', 2),
  ]
  void producer.send(...given, of('a', 3))
  for (let answered = 0; answered < 4; answered += 1) {
    await turns()
    vi.advanceTimersByTime(10)
    await turns()
    requests[answered]?.answer.resolve()
  }
  await producer.stop()
  const sizesOf = (key: string): number[] =>
    requests.flatMap(({ messages }) =>
      messages.filter((one) => one.key === key).map(({ value }) => value?.length ?? 0),
    )
  expect(sizesOf('a')).toEqual([500_000, 500_000, 1, 500_000, 3])
  expect(sizesOf('b')).toEqual([500_000, 2])
})

test('a key waits for the request that has it under way also after what waited in between was dropped as late', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka, 1_000)
  const late: Promise<void>[] = []
  for (const key of ['a', 'a']) {
    late.push(expect(producer.send(record(key))).rejects.toThrow('no acknowledgement in time'))
    await turns()
  }
  vi.advanceTimersByTime(1_000)
  await Promise.all(late)
  void producer.send(record('a'), record('b'))
  await turns()
  vi.advanceTimersByTime(10)
  expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['b']])
  requests[0]?.answer.resolve()
  await turns()
  expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['b'], ['a']])
  requests[2]?.answer.resolve()
  await turns()
  void producer.send(record('a'))
  await turns()
  vi.advanceTimersByTime(10)
  expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['b'], ['a'], ['a']])
})

test('a producer that stops sends what waits behind what is under way, and stops once that is answered', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  const first = producer.send(record('a'))
  await turns()
  const second = producer.send(record('a'))
  let isStopped = false
  const stopped = producer.stop().then(() => {
    isStopped = true
  })
  requests[0]?.answer.resolve()
  await first
  await turns()
  expect([requests.map(({ keys }) => keys), isStopped]).toEqual([[['a'], ['a']], false])
  requests[1]?.answer.resolve()
  await Promise.all([second, stopped])
})

test('a request that failed is sent again whole, five times, and its keys wait for the last of them', async () => {
  const { kafka, requests } = brokerOf()
  const producer = new GatheringProducer(kafka)
  const refused = expect(producer.send(record('a'), record('b'))).rejects.toThrow('away')
  await turns()
  void producer.send(record('a'))
  for (const pauseMs of [60, 120, 240, 480, 960]) {
    fail(requests.at(-1))
    await turns()
    vi.advanceTimersByTime(pauseMs)
    await turns()
  }
  expect(requests.map(({ keys }) => keys)).toEqual(Array.from({ length: 6 }, () => ['a', 'b']))
  fail(requests.at(-1))
  await refused
  await turns()
  expect(requests.at(-1)?.keys).toEqual(['a'])
})

/** As kafkajs says that it would try again. */
function fail(request: Request | undefined): void {
  request?.answer.reject(
    new kafkajs.KafkaJSNumberOfRetriesExceeded(new Error('away'), { retryCount: 0, retryTime: 0 }),
  )
}
