import type { Logger } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TallygateError } from '#core/errors.ts'
import { untilThere } from './until-there.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const away = (): TallygateError => new TallygateError('unavailable', 'Redis does not answer')

function watched() {
  const lines: string[] = []
  const log = { warn: (_: object, line: string) => lines.push(line) } as unknown as Logger
  return { lines, log }
}

const redis = { name: 'Redis', setting: 'REDIS_URL' }

test('waiting at the start: what comes later is waited for, with a line about what it is', async () => {
  const { lines, log } = watched()
  let isThere = false
  const reached = untilThere(redis, { log, withinMs: 60_000 }, async () => {
    if (!isThere) throw away()
    return 'there'
  })
  await vi.advanceTimersByTimeAsync(12_000)
  expect(lines).toEqual(Array(3).fill('waiting for Redis: look at REDIS_URL'))
  isThere = true
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await reached).toBe('there')
  expect(vi.getTimerCount()).toBe(0)
})

test('waiting at the start: what never comes is given up after the time, with the last reason', async () => {
  const { log } = watched()
  const failed = untilThere(redis, { log, withinMs: 5_000 }, async () => {
    throw away()
  }).catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(6_000)
  expect(await failed).toMatchObject({ code: 'unavailable', message: 'Redis does not answer' })
  expect(vi.getTimerCount()).toBe(0)
})

test('waiting at the start: a call that says nothing at all is given up, too, naming the setting', async () => {
  const { log, lines } = watched()
  const never = untilThere(redis, { log, withinMs: 5_000 }, () => new Promise<never>(() => undefined))
  const failed = never.catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(6_000)
  expect(String(await failed)).toContain('Redis has not answered for 5000 ms: look at REDIS_URL')
  expect(lines.length).toBeGreaterThan(0)
})

test.for([
  ['a refused login', away(), true],
  ['a fault in the settings', new TallygateError('invalid_config', 'evicts'), false],
  ['a defect', new Error('defect'), false],
] as const)('waiting at the start: %s is not waited for', async ([, error, isAnswer]) => {
  const { log, lines } = watched()
  const asked = vi.fn(async () => {
    throw error
  })
  const wait = untilThere({ ...redis, isAnswer: () => isAnswer }, { log, withinMs: 60_000 }, asked)
  await expect(wait).rejects.toBe(error)
  expect([asked.mock.calls.length, lines.length]).toEqual([1, 0])
})
