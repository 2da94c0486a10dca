import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** `CHAOS_SEEDS=5 node seeds.ts`: the tests of crashes and losses again and again, each time from another seed. */
const tests = [
  ...['chaos-redis', 'chaos-processes', 'chaos-holds', 'chaos-log', 'chaos-disks'],
  ...['crash', 'half-calls', 'use-guarantees'],
]
const seeds = Number(process.env['CHAOS_SEEDS'] ?? 5)
const vitest = join(import.meta.dirname, '..', '..', 'node_modules', '.bin', 'vitest')
const first = Date.now() % 2 ** 31
const failed: number[] = []
for (let seed = first; seed < first + seeds; seed += 1) {
  process.stdout.write(`seed ${seed}\n`)
  if ((await run(seed)) !== 0) failed.push(seed)
}
process.stdout.write(`${seeds} seeds of ${tests.join(', ')}: ${failed.length} failed ${failed.join(' ')}\n`)
process.exit(failed.length === 0 ? 0 : 1)

function run(seed: number): Promise<number> {
  const env = { ...process.env, SEED: String(seed) }
  const child = spawn(vitest, ['run', '--project', 'chaos', ...tests], { env, stdio: 'inherit' })
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))
}
