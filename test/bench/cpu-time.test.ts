import { expect, test } from 'vitest'
import { cpuText } from './cpu-time.ts'
import { median, medianRatio } from './statistics.ts'

test('bench: processor time is the median of the rounds, dearest process first, without what hardly did anything', () => {
  const rounds = [
    { redis: 3, api: 50, kafka: 0 },
    { redis: 1, api: 90, kafka: 0.04 },
    { redis: 2, api: 70, kafka: 9, load: 8 },
  ]
  expect(cpuText(rounds)).toBe('api 70.0 · redis 2.0')
  expect(cpuText([])).toBe('')
})

test('bench: a ratio is the median of the ratios of single rounds', () => {
  expect(medianRatio([10, 20, 90], [10, 10, 30])).toBe(2)
  expect(medianRatio([1], [])).toBeNaN()
  expect(median([3, 1, 2])).toBe(2)
})
