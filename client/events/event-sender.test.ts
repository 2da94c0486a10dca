import type { Kafka } from 'kafkajs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EventSender } from './event-sender.ts'

interface Request {
  readonly keys: readonly string[]
  readonly headers: readonly Readonly<Record<string, unknown>>[]
}

interface Message {
  readonly key: string
  readonly headers: Readonly<Record<string, unknown>>
}

/** Brokers that acknowledge at once. */
function brokerOf(): { readonly kafka: Kafka; readonly requests: Request[] } {
  const requests: Request[] = []
  const send = async ({ messages }: { messages: readonly Message[] }): Promise<void> => {
    requests.push({ keys: messages.map(({ key }) => key), headers: messages.map(({ headers }) => headers) })
  }
  return { kafka: { producer: () => ({ send }) } as unknown as Kafka, requests }
}

function senderOf() {
  const { kafka, requests } = brokerOf()
  return { sender: new EventSender({ kafka, topic: 'usage.events', patienceMs: 1_000 }), requests }
}

const event = (key: string, headers = {}) => ({ key, value: Buffer.alloc(400), headers })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('an event that is sent right when the one before it is acknowledged leaves, too', async () => {
  const { sender, requests } = senderOf()
  const second = sender.send(event('a')).then(() => sender.send(event('b')))
  await vi.advanceTimersByTimeAsync(10)
  expect(requests.map(({ keys }) => keys)).toEqual([['a'], ['b']])
  await second
})

test('keys and headers take place in a request, too: it stays below what brokers take of one partition', async () => {
  const { sender, requests } = senderOf()
  const key = 'w'.repeat(64)
  const headers = { traceparent: 't'.repeat(55), tracestate: 's'.repeat(300) }
  const all = Promise.all(Array.from({ length: 2_000 }, () => sender.send(event(key, headers))))
  await vi.advanceTimersByTimeAsync(10)
  await all
  const sizes = requests.map(({ keys }) => keys.length)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2_000)
  expect(Math.max(...sizes) * (64 + 400 + 11 + 55 + 10 + 300)).toBeLessThan(1_048_576)
})

test('a trace without a state is sent without it: neither the event nor those after it wait for ever', async () => {
  const { sender, requests } = senderOf()
  const first = sender.send(event('a', { traceparent: '00-1-2-01', tracestate: undefined }))
  const second = sender.send(event('b'))
  await vi.advanceTimersByTimeAsync(10)
  expect(requests).toEqual([{ keys: ['a', 'b'], headers: [{ traceparent: '00-1-2-01' }, {}] }])
  await Promise.all([first, second])
})
