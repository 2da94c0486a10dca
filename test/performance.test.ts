import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { performanceFiles } from './bench/performance-page.ts'
import { BASELINE, readResults } from './bench/results.ts'

const root = join(import.meta.dirname, '..')

test('performance: page and pictures are what make performance writes from the committed baseline', () => {
  const baseline = readResults(BASELINE)
  expect(baseline).not.toBeNull()
  if (baseline === null) return
  const stale = Object.entries(performanceFiles(baseline)).filter(([path, text]) => {
    const file = join(root, path)
    return !existsSync(file) || readFileSync(file, 'utf8') !== text
  })
  expect(stale.map(([path]) => path)).toEqual([])
})
