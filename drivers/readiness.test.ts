import { Registry } from 'prom-client'
import { expect, onTestFinished, test, vi } from 'vitest'
import { measureReadiness, readinessOf } from './readiness.ts'

const checks = {
  redis: async () => null,
  kafka: async () => 'no broker',
  registry: () => Promise.reject(new Error('refused')),
  /** Takes the connection and says nothing. */
  mongo: () => new Promise<null>(() => undefined),
}

test('readiness: a part that says nothing is named after two seconds, and keeps nobody from hearing of the others', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const registry = new Registry()
  measureReadiness(registry, checks)
  const answers = Promise.all([readinessOf(checks), registry.metrics()])
  await vi.advanceTimersByTimeAsync(2_000)
  const [{ isReady, parts }, text] = await answers
  expect(isReady).toBe(false)
  expect(parts).toEqual({
    redis: 'up',
    kafka: 'no broker',
    registry: 'refused',
    mongo: 'no answer within 2000 ms',
  })
  expect(text).toContain('tallygate_dependency_up{dependency="redis"} 1')
  expect(text).toContain('tallygate_dependency_up{dependency="mongo"} 0')
})
