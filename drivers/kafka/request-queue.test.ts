import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { quietRequestQueues } from './request-queue.ts'

let queue: RequestQueue
beforeEach(() => {
  vi.useFakeTimers()
  quietRequestQueues()
  queue = new RequestQueue({
    maxInFlightRequests: null,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'test',
    broker: 'none',
    logger: { debug: () => undefined, warn: () => undefined },
  })
})
afterEach(() => {
  queue.destroy()
  vi.useRealTimers()
})

test('a connection without requests that wait sets no timer', () => {
  queue.checkPendingRequests()
  expect(queue.throttleCheckTimeoutId).toBeNull()
  expect(vi.getTimerCount()).toBe(0)
})

test('a request that the broker slows down is sent when its time has come, and no timer is left', () => {
  const sendRequest = vi.fn()
  queue.maybeThrottle(200)
  queue.push({ entry: { correlationId: 1 }, expectResponse: true, sendRequest })
  vi.advanceTimersByTime(199)
  expect(sendRequest).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(sendRequest).toHaveBeenCalledOnce()
  expect(vi.getTimerCount()).toBe(0)
})
