import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import type { Row } from './statistics.ts'

/** A line of the table with the benchmark that gave it. */
export interface ResultRow extends Row {
  readonly bench: string
}

/** What a run came to. */
export interface Results {
  readonly at: string
  readonly machine: string
  readonly rows: readonly ResultRow[]
}

/** Of the last run; not committed. */
export const LATEST = join(import.meta.dirname, 'results', 'latest.json')

/** What later runs are compared with and docs/performance.md is written from; committed. */
export const BASELINE = join(import.meta.dirname, 'baseline.json')

/** The machine, as far as figures depend on it. */
export function machineFacts(): string {
  const [cpu] = cpus()
  const model = cpu?.model.trim() ?? 'unknown'
  return `${cpus().length} cores, ${model}, Node ${process.versions.node}, all engines on the same machine`
}

/** Results that were kept; null where there are none. */
export function readResults(path: string): Results | null {
  if (!existsSync(path)) return null
  const results: Results = JSON.parse(readFileSync(path, 'utf8'))
  return results
}

/** Keeps results. */
export function writeResults(path: string, results: Results): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`)
}

/** Newer results in the place of older ones of the same benchmarks; the others stay. */
export function replaceRows(older: Results | null, newer: Results): Results {
  const measured = new Set(newer.rows.map(({ bench }) => bench))
  const kept = (older?.rows ?? []).filter(({ bench }) => !measured.has(bench))
  const rows = [...kept, ...newer.rows].sort((a, b) => (a.bench < b.bench ? -1 : a.bench > b.bench ? 1 : 0))
  return { ...newer, rows }
}
