import { expect, test } from 'vitest'
import { judgeGrowth, type Sample } from './chaos/growth.ts'

const MINUTES = 30
/** A sample every five seconds; memory jumps by 20 MB and back, as between two collections of garbage. */
const run = (at: (minute: number) => Partial<Sample>): readonly Sample[] =>
  Array.from({ length: MINUTES * 12 }, (_, index) => {
    const minute = index / 12
    const { megabytes = 300, files = 60 } = at(minute)
    return { minute, megabytes: megabytes + (index % 5) * 5, files }
  })
const faultsOf = (samples: readonly Sample[]): readonly string[] =>
  judgeGrowth('api', { samples, minutes: MINUTES }).faults

test('G27: what grows only while it warms up, or falls, is no leak', () => {
  expect(faultsOf(run((minute) => ({ megabytes: 100 + 40 * Math.min(minute, 7) })))).toEqual([])
  expect(
    faultsOf(run((minute) => ({ megabytes: 300 - 2 * minute, files: 60 + (minute > 20 ? 8 : 0) }))),
  ).toEqual([])
  expect(faultsOf(run((minute) => ({ megabytes: 300 + 0.9 * minute })))).toEqual([])
})

test('G27: more than 1 MB a minute after the warm-up, or files that stay open, fail the run by name', () => {
  expect(faultsOf(run((minute) => ({ megabytes: 300 + 1.2 * minute })))).toEqual([
    'memory of api grows by 1.21 MB a minute, more than 1',
  ])
  expect(faultsOf(run((minute) => ({ files: 60 + Math.floor(minute) })))).toEqual([
    'api has 22 open files more, and 8 are allowed',
  ])
  const once = run(() => ({})).slice(-1)
  for (const samples of [[], once])
    expect(() => judgeGrowth('api', { samples, minutes: MINUTES })).toThrow('too short')
})
