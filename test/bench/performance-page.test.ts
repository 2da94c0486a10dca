import { expect, test } from 'vitest'
import { needsOf } from './cost-model.ts'
import { drawCurves } from './curves.ts'
import { performanceFiles } from './performance-page.ts'
import type { ResultRow, Results } from './results.ts'

const row = (bench: string, path: string, more: Partial<ResultRow>): ResultRow => {
  return { bench, path, figure: '–', limit: '–', ratio: null, rounds: 1, ...more }
}
const results = (...rows: readonly ResultRow[]): Results => ({ at: '', machine: 'two cores', rows })
const curve = {
  picture: 'bytes',
  name: 'bytes',
  points: [
    [1_000, 446],
    [10_000, 349],
  ],
} as const

test('performance: a thousand million events a day need what the small figures come to', () => {
  const cpu = 'consumers 20.0 · redis 10.0 · load 90.0'
  const needs = needsOf(
    results(
      row('benchRecovery', 'apply, sustained', { cpu }),
      row('benchRecovery', 'dedupe, Redis memory of an id', { figure: '9 bytes' }),
      row('benchWorkspaces', 'Redis memory of a workspace at rest', { figure: '400 bytes' }),
    ),
  )
  const needed = Object.fromEntries(needs.map(({ what, need }) => [what, need]))
  expect(needed['consumers']).toContain('cores: 2')
  expect(needed['Redis memory']).toContain('36.4 GB')
  expect(needed['Kafka']).toBeUndefined()
})

test('performance: the processor time of a limit beside ours is not taken for ours', () => {
  const cpu = 'api 50.0 (bare: redis 3.0)'
  const measured = results(
    row('benchCheck', 'check over HTTP', { cpu }),
    row('benchConsume', 'consume, in the log before the answer', { cpu: 'api 100.0 · redis 40.0' }),
    row('benchRecovery', 'apply', { cpu: 'redis 10.0' }),
  )
  const needs = needsOf(measured).map(({ what }) => what)
  expect(needs).toContain('API processes')
  expect(needs).not.toContain('Redis masters')
})

test('performance: what was not measured is said, what was is in tables and pictures', () => {
  const files = performanceFiles(
    results(row('benchWorkspaces', 'Redis memory of a workspace at rest', { figure: '349 bytes', curve })),
  )
  expect(files['docs/performance.md']).toContain('_Not measured yet._')
  expect(files['docs/performance.md']).toContain('| Redis memory of a workspace at rest | 349 bytes |')
  expect(files['docs/performance.md']).not.toContain('{{')
  expect(Object.keys(files)).toEqual(['docs/performance.md', 'docs/curves/bytes.svg'])
})

test('performance: a curve lies inside its frame, largest figure on top', () => {
  const svg = drawCurves({ title: 'a < b', x: 'workspaces', y: 'bytes', curves: [curve] })
  const [, points = ''] = /<polyline points="([^"]+)"/.exec(svg) ?? []
  const heights = points.split(' ').map((point) => Number(point.split(',')[1]))
  expect(heights[0]).toBeLessThan(heights[1] ?? 0)
  expect(Math.min(...heights)).toBeGreaterThan(0)
  expect(svg).toContain('a &lt; b')
})
