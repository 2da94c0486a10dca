import { expect, test } from 'vitest'
import { type Comparison, compareResults, isAcceptable } from './compare.ts'
import { COLUMNS, comparisonOf, tableOf } from './report.ts'
import { type ResultRow, type Results, replaceRows } from './results.ts'
import { FLAT_GOAL, isFlat } from './statistics.ts'

const machine = '2 cores, a processor'
const row = (change: Partial<ResultRow>): ResultRow => ({
  bench: 'benchCheck',
  path: 'check over HTTP',
  figure: '10000/s',
  limit: 'bare 20000/s',
  ratio: 0.5,
  rounds: 5,
  ...change,
})
const results = (...rows: readonly ResultRow[]): Results => ({ at: '2026-11-28T12:00:00Z', machine, rows })

function comparisonTo(before: Partial<ResultRow>, now: Partial<ResultRow>, elsewhere = false): Comparison {
  const run = { ...results(row(now)), machine: elsewhere ? 'another' : machine }
  const [compared] = compareResults(results(row(before)), run)
  if (compared === undefined) throw new Error('nothing was compared')
  return compared.comparison
}

test('bench-check: a rate is judged by its ratio to the limit of the same run, not by a slow day', () => {
  expect(comparisonTo({}, { figure: '4000/s', ratio: 0.5 })).toBe('same')
  expect(comparisonTo({}, { ratio: 0.43 })).toBe('same')
  expect(comparisonTo({}, { ratio: 0.42 })).toBe('worse')
  expect(comparisonTo({}, { ratio: 0.6 })).toBe('better')
})

test('bench-check: less is better of a time, by its ratio where there is one', () => {
  const tail = { path: 'p99', figure: '20 ms', limit: 'bare 10 ms', ratio: 2 }
  expect(comparisonTo(tail, { ...tail, ratio: 2.6 })).toBe('same')
  expect(comparisonTo(tail, { ...tail, ratio: 2.7 })).toBe('worse')
  expect(comparisonTo(tail, { ...tail, ratio: 1.5 })).toBe('better')
})

test('bench-check: what should stay as it is gets worse to either side, and never by being flat', () => {
  const cost = (ratio: number): Partial<ResultRow> => {
    const goal = { text: FLAT_GOAL, isMet: isFlat(ratio) }
    return { path: 'check, any used', figure: '50 µs of cpu', limit: 'with 1,000 50 µs', ratio, goal }
  }
  expect(comparisonTo(cost(0.74), cost(1))).toBe('better')
  expect(comparisonTo(cost(1.09), cost(0.91))).toBe('same')
  expect(comparisonTo(cost(1), cost(1.12))).toBe('worse')
  expect(comparisonTo(cost(1), cost(0.88))).toBe('worse')
  expect(comparisonTo(cost(1.5), cost(1.6))).toBe('same')
  expect(comparisonTo(cost(1.5), cost(0.4))).toBe('worse')
  expect(comparisonTo(cost(6), cost(1.5))).toBe('better')
  expect(comparisonTo(cost(1.5), cost(Number.NaN))).toBe('worse')
})

test('bench: flat is within a tenth to either side', () => {
  expect([0.89, 0.9, 1, 1.1, 1.11, Number.NaN].map(isFlat)).toEqual([false, true, true, true, false, false])
})

test('bench-check: without a limit the figures are compared, on the same kind of machine alone', () => {
  const alone = { limit: '–', ratio: null }
  const rate = { ...alone, figure: '57,686 events/s' }
  expect(comparisonTo(rate, { ...rate, figure: '49,000 events/s' })).toBe('worse')
  expect(comparisonTo(rate, { ...rate, figure: '50,000 events/s' })).toBe('same')
  expect(comparisonTo(rate, { ...rate, figure: '100 events/s' }, true)).toBe('elsewhere')
  const seconds = { ...alone, figure: '16.7 s, slowest 17.2 s' }
  expect(comparisonTo(seconds, { ...seconds, figure: '22 s, slowest 23 s' })).toBe('worse')
  const bytes = { ...alone, figure: '9.08 bytes' }
  expect(comparisonTo(bytes, { ...bytes, figure: '42 bytes' }, true)).toBe('worse')
})

test('bench-check: a line that is missing or cannot be read fails; one that is new, or not measured, does not', () => {
  expect(comparisonTo({}, { path: 'renamed' })).toBe('missing')
  expect(comparisonTo({ ratio: null }, { ratio: null, figure: 'nothing' })).toBe('worse')
  const other = row({ bench: 'benchLag', path: 'lag' })
  const compared = compareResults(results(row({}), other), results(row({}), row({ path: 'more' })))
  expect(compared.map(({ comparison }) => comparison)).toEqual(['same', 'new'])
  expect(isAcceptable(compared)).toBe(true)
  expect(isAcceptable(compareResults(results(row({})), results(row({ ratio: 0.1 }))))).toBe(false)
  expect(isAcceptable(compareResults(results(row({})), results(row({ path: 'renamed' }))))).toBe(false)
})

test('bench: a run replaces the rows of its own benchmarks in the baseline', () => {
  const before = results(row({}), row({ bench: 'benchLag', path: 'lag' }))
  const after = replaceRows(before, results(row({ ratio: 0.6 })))
  expect(after.rows.map(({ path, ratio }) => [path, ratio])).toEqual([
    ['check over HTTP', 0.6],
    ['lag', 0.5],
  ])
})

test('bench: the tables fit a terminal of 120 columns', () => {
  const long = row({
    path: 'consume over HTTP, 128 connections, in the log before the answer',
    limit: 'hold script and gathered writes 21000/s',
    cpu: 'api 180.3 · redis 40.1 · load 90.9 · consumers 50.1 (bare: load 100.1 · redis 40.0 · consumers 3.0)',
    goal: { text: '15,000/s', isMet: false },
  })
  const compared = compareResults(results(long), results(long))
  const lines = `${tableOf(results(long))}${comparisonOf(compared)}`.split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(COLUMNS)
  expect(lines.join('\n')).toContain('missed')
})
