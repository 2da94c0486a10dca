import type { Offsets } from './snapshot-scripts.ts'

/** What every workspace is covered up to: the watermark, or what the last rebuild restored beyond it. */
export function basesOf(meta: Readonly<Record<string, string>>): Offsets {
  const bases: Record<string, number> = numbersOf(meta, 'base:')
  for (const [tp, watermark] of Object.entries(numbersOf(meta, 'wm:'))) {
    bases[tp] = Math.max(watermark, bases[tp] ?? -1)
  }
  return bases
}

/** Partitions of which a shard misses use. */
export function lowerBoundsOf(meta: Readonly<Record<string, string>>): readonly number[] {
  return Object.keys(numbersOf(meta, 'lb:')).map(Number)
}

/** Numbers of a shard's state by partition, of one kind: `wm:`, `at:` … */
export function numbersOf(meta: Readonly<Record<string, string>>, prefix: string): Record<string, number> {
  const own = Object.entries(meta).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), Number(value)]))
}
