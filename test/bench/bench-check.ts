import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import autocannon from 'autocannon'
import { DAY_MS } from '#core/instant.ts'
import { freePorts } from '#deploy/local/ports.ts'
import { subscribeMany } from '#test/helpers/bulk-subscriber.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { type Cpu, CpuTime, cpuText } from './cpu-time.ts'
import { median, medianRatio, ROUNDS, type Row } from './statistics.ts'

const SECONDS = 3
/** Rounds until broker and processes have compiled what is hot. */
const WARM_UP_ROUNDS = 4
const CONNECTIONS = 64
/** Workspaces that requests are spread over, beside the one that all ask about. */
const WORKSPACES = 1_000
const RATE_GOAL = 0.85
const TAIL_GOAL = 1.3

type Name = 'bare' | 'one' | 'many'

interface Measured {
  readonly rates: number[]
  readonly tails: number[]
  readonly spent: Cpu[]
}

/**
 * `POST /v1/check` against a bare Fastify route that takes the same body and answers the same JSON: of one workspace, and
 * spread over a thousand of them.
 */
export async function benchCheck(system: System): Promise<readonly Row[]> {
  const workspaces = await subscribed(system, WORKSPACES)
  const [first] = workspaces
  if (first === undefined) throw new RangeError('no workspace')
  const answer = await new TestWorkspace(system, first).check({ feature: 'leads' })
  const bare = await startBare(answer)
  const bodies = workspaces.map((workspace) => JSON.stringify({ workspace, feature: 'leads' }))
  const targets = {
    bare: { url: bare.url, bodies: bodies.slice(0, 1) },
    one: { url: `${system.api}/v1/check`, bodies: bodies.slice(0, 1) },
    many: { url: `${system.api}/v1/check`, bodies },
  }
  const measured: Record<Name, Measured> = {
    bare: { rates: [], tails: [], spent: [] },
    one: { rates: [], tails: [], spent: [] },
    many: { rates: [], tails: [], spent: [] },
  }
  const cpu = await CpuTime.of(system, () => ({ bare: bare.pid }))
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    for (const name of ['bare', 'one', 'many'] as const) {
      cpu.restart()
      const { requests, latency } = await load(targets[name], system.key)
      if (round < 0) continue
      measured[name].spent.push(cpu.each(requests.total))
      measured[name].rates.push(requests.average)
      measured[name].tails.push(latency.p99)
    }
  }
  await bare.stop()
  return [
    ...rowsOf('check over HTTP, one workspace', measured.one, measured.bare),
    ...rowsOf(`check over HTTP, ${WORKSPACES.toLocaleString('en')} workspaces`, measured.many, measured.bare),
  ]
}

/** Rates and tails as ratios of the same round: a busy neighbour then meets both. */
function rowsOf(path: string, ours: Measured, bare: Measured): readonly Row[] {
  const ratio = medianRatio(ours.rates, bare.rates)
  const tail = medianRatio(ours.tails, bare.tails)
  return [
    {
      path,
      figure: `${Math.round(median(ours.rates))}/s`,
      limit: `bare Fastify ${Math.round(median(bare.rates))}/s`,
      ratio,
      rounds: ROUNDS,
      cpu: `${cpuText(ours.spent)} (bare: ${cpuText(bare.spent)})`,
      goal: { text: `≥ ${RATE_GOAL}`, isMet: ratio >= RATE_GOAL },
    },
    {
      path: `${path}, p99`,
      figure: `${median(ours.tails)} ms`,
      limit: `bare Fastify ${median(bare.tails)} ms`,
      ratio: tail,
      rounds: ROUNDS,
      goal: { text: `≤ ${TAIL_GOAL}`, isMet: tail <= TAIL_GOAL },
    },
  ]
}

/** Workspaces with a plan, so that each has facts and a limit of its own. */
export async function subscribed(system: System, count: number): Promise<readonly string[]> {
  const workspaces = Array.from({ length: count }, () => `w-${randomUUID().slice(0, 12)}`)
  await subscribeMany(system, workspaces, { nextAt: Date.now() + 20 * DAY_MS })
  return workspaces
}

async function startBare(answer: unknown) {
  const [port = 0] = await freePorts(1)
  const server = new URL('./bare-server.ts', import.meta.url).pathname
  const bare = spawn(process.execPath, [server, String(port), JSON.stringify(answer)], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}/v1/check`
  await eventually(
    () => fetch(url, { method: 'POST' }),
    ({ status }) => status === 400 || status === 415,
    { what: 'the bare server' },
  )
  const stop = async (): Promise<void> => {
    bare.kill()
    await once(bare, 'close')
  }
  return { url, pid: bare.pid ?? null, stop }
}

interface Target {
  readonly url: string
  readonly bodies: readonly string[]
}

/** Each connection asks about some of the workspaces in turn: to make every request for each would take seconds. */
function shareOf(bodies: readonly string[], turn: number): autocannon.Request[] {
  return bodies
    .filter((_, index) => index % CONNECTIONS === (turn % CONNECTIONS) % bodies.length)
    .map((body) => ({ body }))
}

async function load({ url, bodies }: Target, key: string): Promise<autocannon.Result> {
  let turn = 0
  const result = await autocannon({
    url,
    method: 'POST',
    connections: CONNECTIONS,
    duration: SECONDS,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    setupClient: (client) => {
      client.setRequests(shareOf(bodies, turn))
      turn += 1
    },
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers of ${url} were not 200`)
  return result
}
