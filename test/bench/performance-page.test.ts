import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { benches } from './benches.ts'
import { needsOf } from './cost-model.ts'
import { drawCurves } from './curves.ts'
import { performanceFiles, TEMPLATE } from './performance-page.ts'
import { BASELINE, type ResultRow, type Results, readResults } from './results.ts'
import { FLAT_GOAL, isFlat } from './statistics.ts'

const pageOf = (results: Results): string => performanceFiles(results)['docs/performance.md'] ?? ''

const curve = {
  picture: 'bytes',
  name: 'bytes',
  points: [
    [1_000, 446],
    [10_000, 349],
  ],
} as const

/** What is committed, with some rows changed; those that are changed to null are left out. */
function stored(change: (row: ResultRow) => ResultRow | null = (row) => row): Results {
  const baseline = readResults(BASELINE)
  if (baseline === null) throw new Error('there is no baseline')
  return { ...baseline, rows: baseline.rows.flatMap((row) => change(row) ?? []) }
}

const LINES = ['Kafka', 'consumers', 'Redis masters', 'Redis memory', 'API processes', 'MongoDB']

test('performance: the committed baseline yields every line of the cost model', () => {
  const needs = needsOf(stored())
  expect(needs.map(({ what }) => what)).toEqual(LINES)
  for (const { need, how } of needs) expect(`${need} ${how}`).not.toMatch(/NaN|undefined|Infinity/)
  for (const what of LINES) expect(pageOf(stored())).toContain(`| ${what} | `)
})

test('performance: a thousand million events a day need what the small figures come to', () => {
  const cpus = {
    benchRecovery: 'consumers 20.0 · redis 10.0',
    benchCheck: 'api 50.0 · redis 3.0 (bare: redis 99.0)',
  }
  const sizes = {
    dedupe: '9 bytes',
    'at rest': '400 bytes',
    log: '100 bytes',
    version: '500 bytes',
    snapshots: '100 bytes',
  }
  const needs = needsOf(
    stored((row) => {
      const cpu = row.bench === 'benchConsume' ? 'api 100.0 · redis 40.0' : Reflect.get(cpus, row.bench)
      const [, figure = row.figure] = Object.entries(sizes).find(([part]) => row.path.includes(part)) ?? []
      return { ...row, figure, ...(row.cpu === undefined ? {} : { cpu }) }
    }),
  )
  const needed = Object.fromEntries(needs.map(({ what, need }) => [what, need]))
  expect(needed).toEqual({
    Kafka: '3 brokers, 4,200 GB of disk in all',
    consumers: 'cores: 2, and at least as many partitions',
    'Redis masters': '1, with at most 64 of 64 shards each',
    'Redis memory': '36.4 GB, and as much for each replica',
    'API processes': '4, of one core each',
    MongoDB: '1.0 GB, 3 GB written a day, folded away again',
  })
})

test('performance: a figure that the cost model lacks is named, and no page is written', () => {
  const without = stored((row) => (row.path === 'check over HTTP, 1,000 workspaces' ? null : row))
  expect(() => performanceFiles(without)).toThrow(/benchCheck .*: µs of redis; benchCheck .*: µs of api$/)
  const ofLimitAlone = stored((row) => {
    return row.bench === 'benchCheck' ? { ...row, cpu: 'api 50.0 (bare: redis 3.0)' } : row
  })
  expect(() => performanceFiles(ofLimitAlone)).toThrow(/: benchCheck .*: µs of redis$/)
  const unreadable = stored((row) => (row.bench === 'benchSizes' ? { ...row, figure: 'some bytes' } : row))
  expect(() => performanceFiles(unreadable)).toThrow('benchSizes')
})

test('performance: the page has a table of each benchmark, and of nothing else', () => {
  const named = [...readFileSync(TEMPLATE, 'utf8').matchAll(/^\{\{bench (\w+)\}\}$/gm)].map(
    ([, name]) => name,
  )
  expect(named.toSorted()).toEqual(Object.keys(benches).toSorted())
  const page = pageOf(stored())
  expect(page).not.toContain('{{')
  expect(page).not.toContain('_Not measured yet._')
  for (const { path, goal } of stored().rows) {
    const verdict = goal === undefined ? '' : `${goal.text}: ${goal.isMet ? 'met' : '**missed**'}`
    expect(page.split('\n').some((line) => line.startsWith(`| ${path} |`) && line.includes(verdict))).toBe(
      true,
    )
  }
})

test('performance: what should stay as it is was judged to either side', () => {
  const flat = stored().rows.filter(({ goal }) => goal?.text === FLAT_GOAL)
  expect(flat.length).toBeGreaterThan(0)
  for (const { ratio, goal } of flat) expect(goal?.isMet).toBe(isFlat(ratio ?? Number.NaN))
})

test('performance: what was not measured is said, what was is in tables and pictures', () => {
  const files = performanceFiles(
    stored((row) => {
      if (row.bench === 'benchStart' || row.curve?.picture === 'workspaces-any') return null
      return row
    }),
  )
  expect(files['docs/performance.md']).toContain('_Not measured yet._')
  expect(files['docs/performance.md']).toContain('| Redis memory of a workspace at rest | ')
  expect(Object.keys(files)).toEqual([
    'docs/performance.md',
    'docs/curves/workspaces-same.svg',
    'docs/curves/bytes.svg',
  ])
})

test('performance: a curve lies inside its frame, largest figure on top', () => {
  const svg = drawCurves({ title: 'a < b', x: 'workspaces', y: 'bytes', curves: [curve] })
  const [, points = ''] = /<polyline points="([^"]+)"/.exec(svg) ?? []
  const heights = points.split(' ').map((point) => Number(point.split(',')[1]))
  expect(heights[0]).toBeLessThan(heights[1] ?? 0)
  expect(Math.min(...heights)).toBeGreaterThan(0)
  expect(svg).toContain('a &lt; b')
})
