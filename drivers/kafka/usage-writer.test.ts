import type { Kafka } from 'kafkajs'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TallygateError } from '#core/errors.ts'
import type { SchemaIds } from '#drivers/registry/schema-registry.ts'
import { recordNames } from '#schemas/records.ts'
import { UsageWriter } from './usage-writer.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('no use is written under the ids of a registry that is refused, and it is when the right one is back', async () => {
  const nothing = async (): Promise<void> => undefined
  const ids = Object.fromEntries(recordNames.map((record, index) => [record, index + 1])) as SchemaIds
  const kafka = { producer: () => ({ connect: nothing, disconnect: nothing }) } as unknown as Kafka
  const writer = new UsageWriter({ kafka, log: pino({ level: 'silent' }) })
  let isRefused = true
  await writer.start(async () => {
    if (isRefused) throw new TallygateError('invalid_config', 'another registry')
    return ids
  })
  expect(() => writer.requireReachable()).toThrow('nothing can be counted yet')
  isRefused = false
  await vi.advanceTimersByTimeAsync(1_000)
  writer.requireReachable()
  await writer.stop()
})
