import { spawn } from 'node:child_process'
import { once } from 'node:events'
import autocannon from 'autocannon'
import { freePorts } from '#deploy/local/ports.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { CpuTime } from './cpu-time.ts'
import { median, type Row } from './statistics.ts'

const ROUNDS = 5
const SECONDS = 4
const CONNECTIONS = 64

/** `POST /v1/check` against a bare Fastify route that takes the same body and answers the same JSON. */
export async function benchCheck(system: System): Promise<readonly Row[]> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const question = { workspace: workspace.id, feature: 'leads' }
  const answer = await workspace.check({ feature: 'leads' })
  const [port = 0] = await freePorts(1)
  const server = new URL('./bare-server.ts', import.meta.url).pathname
  const bare = spawn(process.execPath, [server, String(port), JSON.stringify(answer)], { stdio: 'ignore' })
  const bareUrl = `http://127.0.0.1:${port}/v1/check`
  await eventually(
    () => fetch(bareUrl, { method: 'POST' }),
    ({ status }) => status === 400 || status === 415,
    { what: 'the bare server' },
  )
  const rates = { ours: [] as number[], bare: [] as number[] }
  const tails = { ours: [] as number[], bare: [] as number[] }
  const cpu = {
    ours: await CpuTime.of(system),
    bare: await CpuTime.of(system, () => ({ bare: bare.pid ?? null })),
  }
  const spent = { ours: '', bare: '' }
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const name of ['bare', 'ours'] as const) {
      const url = name === 'bare' ? bareUrl : `${system.api}/v1/check`
      cpu[name].restart()
      const result = await load(url, system.key, question)
      spent[name] = cpu[name].perOperation(result.requests.total)
      if (round === 0) continue
      rates[name].push(result.requests.average)
      tails[name].push(result.latency.p99)
    }
  }
  bare.kill()
  await once(bare, 'close')
  const [ours, limit] = [median(rates.ours), median(rates.bare)]
  const [tail, limitTail] = [median(tails.ours), median(tails.bare)]
  return [
    {
      path: 'check over HTTP',
      figure: `${Math.round(ours)}/s`,
      limit: `bare Fastify ${Math.round(limit)}/s`,
      ratio: ours / limit,
      rounds: ROUNDS,
      cpu: `${spent.ours} (bare: ${spent.bare})`,
    },
    {
      path: 'check over HTTP, p99',
      figure: `${tail} ms`,
      limit: `bare Fastify ${limitTail} ms`,
      ratio: tail / limitTail,
      rounds: ROUNDS,
    },
  ]
}

async function load(url: string, key: string, body: object): Promise<autocannon.Result> {
  const result = await autocannon({
    url,
    method: 'POST',
    connections: CONNECTIONS,
    duration: SECONDS,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers of ${url} were not 200`)
  return result
}
