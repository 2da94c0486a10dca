import { readdirSync, readFileSync } from 'node:fs'
import Table from 'cli-table3'
import setupEngines from '#test/helpers/engines.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { judgeGrowth, type Sample, WARM_UP } from './growth.ts'
import type { Mismatch } from './log-checker.ts'

/**
 * `node soak.ts <minutes>` (G27): events and checks at some 555 a second each, a million of both in half an hour.
 * After a first quarter at full speed memory may grow by 1 MB a minute, open files hardly, counters must be what the log says.
 */
const PAUSE_MS = 500
const CHECKS_AT_ONCE = 50
const CHECK_PAUSE_MS = 80
const SAMPLE_MS = 5_000
const services = ['api', 'consumers'] as const

const minutes = Number(process.argv[2] ?? 1)
const stopEngines = await setupEngines()
const { engineAddresses } = await import('#test/helpers/addresses.ts')
const { checkCounters } = await import('./log-checker.ts')
const { startLoad } = await import('./load.ts')
const system = await startSystem()
const seed = Date.now() % 2 ** 31
const prefix = `soak${seed}`
const startedAt = performance.now()
const samples = { api: [] as Sample[], consumers: [] as Sample[] }
const load = startLoad(system, { seed, prefix, workspaces: 500, pauseMs: PAUSE_MS })
const sampling = setInterval(sample, SAMPLE_MS)
const checks = await ask()
const events = await load.stop()
clearInterval(sampling)
const drift = await untilLevel()
await system.stop()
await stopEngines()

const table = new Table({
  head: ['process', 'MB after warm-up', 'MB at the end', 'MB a minute', 'open files then', 'now'],
})
const faults = services.flatMap((name) => {
  const { first, last, slope, faults: own } = judgeGrowth(name, { samples: samples[name], minutes })
  table.push([name, first.megabytes, last.megabytes, slope.toFixed(2), first.files, last.files])
  process.stdout.write(`${name}, MB every tenth: ${curveOf(samples[name])}\n`)
  return own
})
if (drift.length > 0)
  faults.push(`${drift.length} counters are not what the log says: ${JSON.stringify(drift.slice(0, 5))}`)
process.stdout.write(`${table}\n`)
process.stdout.write(
  `${events} events, ${checks} checks in ${minutes} minutes, seed ${seed}: drift ${drift.length}\n`,
)
for (const fault of faults) process.stdout.write(`FAILED: ${fault}\n`)
process.exit(faults.length === 0 ? 0 : 1)

/** Counters that are not what the log says after a minute's grace. */
async function untilLevel(): Promise<readonly Mismatch[]> {
  let last: readonly Mismatch[] = []
  await eventually(
    async () => {
      last = (await checkCounters(engineAddresses(), system.redis, prefix)).mismatches
      return last
    },
    ({ length }) => length === 0,
    { what: 'every counter to be what the log says', withinMs: 60_000 },
  ).catch(() => undefined)
  return last
}

/** Memory at eleven moments of the run. */
function curveOf(own: readonly Sample[]): string {
  const at = (tenth: number): number => own[Math.round(((own.length - 1) * tenth) / 10)]?.megabytes ?? 0
  return Array.from({ length: 11 }, (_, tenth) => at(tenth)).join(' ')
}

/** Checks until the time is over; how many were answered. */
async function ask(): Promise<number> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const features = ['leads', 'ai_credits', 'contacts_companies']
  let answered = 0
  while (performance.now() - startedAt < minutes * 60_000) {
    const batch = Array.from({ length: CHECKS_AT_ONCE }, (_, index) =>
      workspace.check({ feature: features[index % features.length], quantity: 1 + index }),
    )
    answered += (await Promise.all(batch)).length
    if (performance.now() - startedAt > WARM_UP * minutes * 60_000)
      await new Promise((resolve) => setTimeout(resolve, CHECK_PAUSE_MS))
  }
  return answered
}

function sample(): void {
  const minute = (performance.now() - startedAt) / 60_000
  for (const name of services) {
    const pid = system.pidOf(name)
    if (pid === null) continue
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const megabytes = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024)
    samples[name].push({ minute, megabytes, files: readdirSync(`/proc/${pid}/fd`).length })
  }
}
