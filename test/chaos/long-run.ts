import { setTimeout as pause } from 'node:timers/promises'
import setupEngines from '#test/helpers/engines.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'

/**
 * `node long-run.ts <events>` (G1): 500 workspaces of which few get most, a tenth copies, one in twenty late, and every
 * five seconds a fault; then what the log says against what was counted. Prints the figures, fails on any difference.
 */
const FAULT_EVERY_MS = 5_000
const events = Number(process.argv[2] ?? 1_000_000)
const seed = seedOfRun()
const below = seededRandom(seed)
const stopEngines = await setupEngines()
const { startRig } = await import('./rig.ts')
const { startLoad } = await import('./load.ts')
const rig = await startRig()
const consumers = [rig.system, rig.other]

/** One of the processes, by chance. */
const victim = (): typeof rig.system => consumers[below(consumers.length)] ?? rig.system

const faults: Readonly<Record<string, () => Promise<void>>> = {
  'kill -9 of a consumer': async () => {
    const { kill, start } = victim()
    await kill('consumers')
    await start('consumers')
  },
  'SIGSTOP past the session time-out': async () => {
    const { signal } = victim()
    signal('consumers', 'SIGSTOP')
    await pause(9_000)
    signal('consumers', 'SIGCONT')
  },
  'kill -9 of Redis': async () => {
    await rig.redis.kill()
    await rig.redis.start()
  },
  'Redis behind a black hole for 10 s': async () => {
    rig.proxies.redis.set({ kind: 'blackhole' })
    await pause(10_000)
    rig.proxies.redis.set({ kind: 'reset' })
    rig.proxies.redis.set({ kind: 'pass' })
  },
  'answers of Redis cut': async () => {
    rig.proxies.redis.set({ kind: 'cut-response', afterBytes: 20_000 + below(60_000) })
    await pause(2_000)
    rig.proxies.redis.set({ kind: 'pass' })
  },
}

const prefix = `long${seed}`
const startedAt = performance.now()
const load = startLoad(rig.system, { seed, prefix, workspaces: 500, skew: 'zipf' })
const done: Record<string, number> = {}
while (load.written() < events) {
  await pause(FAULT_EVERY_MS)
  const names = Object.keys(faults)
  const name = names[below(names.length)] ?? ''
  await faults[name]?.()
  done[name] = (done[name] ?? 0) + 1
  process.stdout.write(`${Math.round(seconds())} s: ${load.written()} events, ${name}\n`)
}
const written = await load.stop()
const mismatches = await rig.verdict(prefix)
for (const [name, times] of Object.entries(done)) process.stdout.write(`${times} times ${name}\n`)
process.stdout.write(
  `${written} events in ${seconds().toFixed(0)} s, ${Math.round(written / seconds())} a second, seed ${seed}: ${mismatches.length} counters differ\n`,
)
for (const mismatch of mismatches.slice(0, 20)) process.stdout.write(`${JSON.stringify(mismatch)}\n`)
await rig.stop()
await stopEngines()
process.exit(mismatches.length === 0 ? 0 : 1)

function seconds(): number {
  return (performance.now() - startedAt) / 1_000
}
