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

const ids = Object.fromEntries(recordNames.map((record, index) => [record, index + 1])) as SchemaIds

/** A writer on a Kafka that answers, and why it was refused. */
function open(): { readonly writer: UsageWriter; readonly refused: readonly Error[] } {
  const nothing = async (): Promise<void> => undefined
  const kafka = { producer: () => ({ connect: nothing, disconnect: nothing }) } as unknown as Kafka
  const refused: Error[] = []
  const onRefused = (reason: Error): void => void refused.push(reason)
  return { writer: new UsageWriter({ kafka, log: pino({ level: 'silent' }), onRefused }), refused }
}

test('a registry that is away is asked each second, and use can be written once it is there', async () => {
  const { writer, refused } = open()
  let isAway = true
  await writer.start(async () => {
    if (isAway) throw new TallygateError('unavailable', 'no registry')
    return ids
  })
  expect(() => writer.requireReachable()).toThrow('nothing can be counted yet')
  isAway = false
  await vi.advanceTimersByTimeAsync(1_000)
  writer.requireReachable()
  expect(refused).toEqual([])
  await writer.stop()
})

test('a registry that is refused ends the start, and is told of and not asked again where it was away before', async () => {
  const { writer, refused } = open()
  const [away, other] = [
    new TallygateError('unavailable', 'no registry'),
    new TallygateError('invalid_config', 'another registry'),
  ]
  await expect(writer.start(() => Promise.reject(other))).rejects.toBe(other)
  let asked = 0
  await writer.start(() => {
    asked += 1
    return Promise.reject(asked === 1 ? away : other)
  })
  expect(refused).toEqual([])
  await vi.advanceTimersByTimeAsync(5_000)
  expect([refused, asked]).toEqual([[other], 2])
  expect(() => writer.requireReachable()).toThrow('nothing can be counted yet')
  await writer.stop()
})
