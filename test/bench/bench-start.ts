import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePorts, isListening } from '#deploy/local/ports.ts'
import { COMPILED, type ServiceName } from '#deploy/services.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { cpuOf } from './cpu-time.ts'
import { median, medianRatio, type Row } from './statistics.ts'

const ROUNDS = 7
const GOALS_MS: Readonly<Record<ServiceName, number>> = { api: 500, consumers: 1_500 }

/**
 * From a process's being started to its readiness, with its code compiled before, against a bare Fastify server's start in
 * the same rounds.
 */
export async function benchStart(system: System): Promise<readonly Row[]> {
  const took = { bare: [] as number[], api: [] as number[], consumers: [] as number[] }
  const spent = { api: [] as number[], consumers: [] as number[] }
  for (let round = 0; round <= ROUNDS; round += 1) {
    const bare = await bareStart()
    if (round > 0) took.bare.push(bare)
    for (const name of ['api', 'consumers'] as const) {
      system.signal(name, 'SIGTERM')
      await system.ended(name)
      const startedAt = performance.now()
      await system.start(name)
      if (round === 0) continue
      took[name].push(performance.now() - startedAt)
      spent[name].push(cpuOf(system.pidOf(name) ?? 0))
    }
  }
  return (['api', 'consumers'] as const).map((name) => ({
    path: `start of a warm process: ${name}`,
    figure: `${Math.round(median(took[name]))} ms`,
    limit: `bare Fastify ${Math.round(median(took.bare))} ms`,
    ratio: medianRatio(took[name], took.bare),
    rounds: ROUNDS,
    cpu: `${name} ${median(spent[name])}`,
    goal: { text: `${GOALS_MS[name]} ms`, isMet: median(took[name]) <= GOALS_MS[name] },
  }))
}

async function bareStart(): Promise<number> {
  const [port = 0] = await freePorts(1)
  const server = new URL('./bare-server.ts', import.meta.url).pathname
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILED }
  const startedAt = performance.now()
  const bare = spawn(process.execPath, [server, String(port), '{}'], { env, stdio: 'ignore' })
  await eventually(
    () => isListening(port),
    (listens) => listens,
    { what: 'the bare server' },
  )
  const tookMs = performance.now() - startedAt
  bare.kill()
  await once(bare, 'close')
  return tookMs
}
