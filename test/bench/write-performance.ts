import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { performanceFiles } from './performance-page.ts'
import { BASELINE, readResults } from './results.ts'

/** `node write-performance.ts`: writes docs/performance.md and its pictures from the baseline. */
const root = join(import.meta.dirname, '..', '..')
const baseline = readResults(BASELINE)
if (baseline === null) throw new Error('there is no baseline: make bench-baseline')
for (const [path, text] of Object.entries(performanceFiles(baseline))) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
