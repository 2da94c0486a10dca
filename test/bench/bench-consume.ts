import autocannon from 'autocannon'
import { engineAddresses } from '#test/helpers/addresses.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { openBareConsume } from './bare-consume.ts'
import { type Cpu, CpuTime, cpuText } from './cpu-time.ts'
import { median, medianRatio, percentile, ROUNDS, type Row } from './statistics.ts'

const SECONDS = 5
/** Rounds until broker and processes have compiled what is hot: in the first ones the broker's compiler takes a fifth of a core. */
const WARM_UP_ROUNDS = 4
const CONNECTIONS = 128
const WORKSPACES = 20

interface Measured {
  readonly rate: number
  readonly p99: number
}

/**
 * `POST /v1/consume`, each with a new id and its event in the log with acks all before the answer, against a
 * hold script and batched produce without any of our code.
 */
export async function benchConsume(system: System): Promise<readonly Row[]> {
  const workspaces: string[] = []
  for (let index = 0; index < WORKSPACES; index += 1) {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({ plan: 'pro', seats: 1_000 })
    workspaces.push(workspace.id)
  }
  const bare = await openBare()
  const time = await CpuTime.of(system)
  const spent = { ours: [] as Cpu[], bare: [] as Cpu[] }
  const seen = { ours: [] as Measured[], bare: [] as Measured[] }
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    time.restart()
    const limit = await bare.measure(workspaces, round)
    const ofLimit = time.each(limit.rate * SECONDS)
    time.restart()
    const own = await load(system, workspaces, round)
    if (round < 0) continue
    spent.ours.push(time.each(own.rate * SECONDS))
    spent.bare.push(ofLimit)
    seen.bare.push(limit)
    seen.ours.push(own)
  }
  await bare.close()
  const cpu = `${cpuText(spent.ours)} (bare: ${cpuText(spent.bare)})`
  return consumeRows(seen, cpu)
}

function consumeRows(
  { ours, bare }: { readonly ours: readonly Measured[]; readonly bare: readonly Measured[] },
  cpu: string,
): readonly Row[] {
  const of = (what: keyof Measured) => [ours.map((one) => one[what]), bare.map((one) => one[what])] as const
  const [rates, tails] = [of('rate'), of('p99')]
  const [rate, tail] = [median(rates[0]), median(tails[0])]
  const path = `consume over HTTP, ${CONNECTIONS} connections, in the log before the answer`
  const limit = 'hold script and batched produce'
  const fast = {
    path,
    figure: `${Math.round(rate)}/s`,
    limit: `${limit} ${Math.round(median(rates[1]))}/s`,
    ratio: medianRatio(...rates),
    rounds: ROUNDS,
  }
  const late = {
    path: `${path}, p99`,
    figure: `${tail.toFixed(1)} ms`,
    limit: `${limit} ${median(tails[1]).toFixed(1)} ms`,
    ratio: medianRatio(...tails),
    rounds: ROUNDS,
  }
  return [
    { ...fast, cpu, goal: { text: '15,000/s (enforcement)', isMet: rate >= 15_000 } },
    { ...fast, goal: { text: '20,000/s (speed)', isMet: rate >= 20_000 } },
    { ...late, goal: { text: '25 ms (enforcement)', isMet: tail <= 25 } },
    { ...late, goal: { text: '15 ms (speed)', isMet: tail <= 15 } },
  ]
}

async function load(system: System, workspaces: readonly string[], round: number): Promise<Measured> {
  let made = 0
  const body = (): string => {
    const [id, workspace] = [`r${round}-${made}`, workspaces[made++ % workspaces.length]]
    return JSON.stringify({ workspace, id, items: [{ feature: 'leads', quantity: 1 }] })
  }
  const result = await autocannon({
    url: `${system.api}/v1/consume`,
    method: 'POST',
    connections: CONNECTIONS,
    duration: SECONDS,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${system.key}` },
    requests: [{ setupRequest: (request) => ({ ...request, body: body() }) }],
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 200, ${result.errors} failed`)
  return { rate: result.requests.average, p99: result.latency.p99 }
}

interface Bare {
  readonly measure: (workspaces: readonly string[], round: number) => Promise<Measured>
  readonly close: () => Promise<void>
}

async function openBare(): Promise<Bare> {
  const { once, close } = await openBareConsume(engineAddresses())
  return {
    close,
    measure: async (workspaces, round) => {
      const times: number[] = []
      const until = performance.now() + SECONDS * 1_000
      const work = async (worker: number): Promise<void> => {
        for (let call = 0; performance.now() < until; call += 1) {
          const startedAt = performance.now()
          await once(workspaces[call % workspaces.length] ?? '', `b${round}-${worker}-${call}`)
          times.push(performance.now() - startedAt)
        }
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, (_, worker) => work(worker)))
      return { rate: times.length / SECONDS, p99: percentile(times, 0.99) }
    },
  }
}
