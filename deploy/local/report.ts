import pc from 'picocolors'
import type { EngineStep } from './engines.ts'

const words: Readonly<Record<EngineStep['state'], string>> = {
  given: 'yours, from the environment',
  running: 'runs already',
  downloading: 'downloading (once)',
  building: 'building (once, about a minute)',
  preparing: 'preparing (once)',
  starting: 'starting',
  ready: 'ready',
}

/** Prints one line for each step of each engine. */
export function printStep({ engine, state, tookMs }: EngineStep): void {
  const isDone = state === 'ready' || state === 'running' || state === 'given'
  const mark = isDone ? pc.green('✓') : pc.dim('·')
  const time = isDone && tookMs > 0 ? pc.dim(` ${(tookMs / 1_000).toFixed(1)} s`) : ''
  process.stdout.write(`  ${mark} ${engine.padEnd(9)} ${words[state]}${time}\n`)
}
