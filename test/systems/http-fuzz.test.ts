import { existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OddRequest, oddRequest } from '#test/fuzz/odd-request.ts'
import { type RawAnswer, sendBytes } from '#test/fuzz/send-bytes.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

/** All engines are up: a 503 is a fault here, not the machine's load. */
const PATIENT = { CHECK_BUDGET_MS: '10000', HOLD_BUDGET_MS: '10000' }
/** Requests; `make soak` asks for 100,000. */
const REQUESTS = Number(process.env['G22_REQUESTS'] ?? 5_000)
const AT_ONCE = 16
/** Little, so that what is not given back ends the process. */
const HEAP_MB = 192

let system: System
let workspace: TestWorkspace
beforeAll(async () => {
  system = await startSystem(['api', 'consumers'], {
    NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
    ...PATIENT,
  })
  workspace = Object.assign(new TestWorkspace(system), { id: 'w-fuzzed' })
  await workspace.subscribe({})
})
afterAll(() => system.stop())

/** Why an answer is none that the API may give; null for a right one. */
function wrongIn({ statuses, text, isStuck }: RawAnswer): string | null {
  if (isStuck) return 'neither answered nor closed'
  const broken = statuses.find((status) => status >= 500)
  if (broken !== undefined) return `${broken}: ${text.slice(-400)}`
  const bare = text.split(/(?=^HTTP\/1\.1 \d)/m).find(isBareFailure)
  return bare === undefined ? null : `not a problem: ${bare.slice(0, 400)}`
}

/** A failure that says something, and not as the contract does; Node refuses some requests without a word. */
function isBareFailure(answer: string): boolean {
  const [head = '', ...rest] = answer.split('\r\n\r\n')
  const body = rest.join('\r\n\r\n')
  const isSilent = body === '' || body.startsWith('0\r\n')
  return /^HTTP\/1\.1 [45]/.test(head) && !isSilent && !/content-type: application\/problem\+json/i.test(head)
}

/** Where garbage is collected late this much is no leak; 100,000 requests would show one. */
const DRIFT_MAX_MB = 120

function rssMegabytes(): number {
  const pid = system.pidOf('api')
  if (!existsSync(`/proc/${pid}`)) throw new Error(`the API has ended:\n${system.logOf('api')}`)
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024
}

async function sendAll(count: number, next: () => OddRequest): Promise<ReadonlyMap<string, number>> {
  const port = Number(new URL(system.api).port)
  const wrong: string[] = []
  const seen = new Map<string, number>()
  let left = count
  const work = async (): Promise<void> => {
    while (left > 0 && wrong.length < 10) {
      left -= 1
      const { name, bytes } = next()
      const answer = await sendBytes(port, bytes)
      const problem = wrongIn(answer)
      if (problem !== null) wrong.push(`${name}: ${problem}`)
      for (const status of answer.statuses) seen.set(String(status), (seen.get(String(status)) ?? 0) + 1)
      if (answer.statuses.length === 0) seen.set('closed', (seen.get('closed') ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect(wrong).toEqual([])
  return seen
}

test('G22: no bytes on the wire give a 5xx, end the process or leave a connection without an end; then a good check answers', async () => {
  const seed = seedOfRun()
  const random = seededRandom(seed)
  console.log(`G22: seed ${seed}`)
  const next = (): OddRequest => oddRequest({ random, key: system.key })
  const pid = system.pidOf('api')
  await sendAll(Math.ceil(REQUESTS / 4), next)
  const before = rssMegabytes()
  const seen = await sendAll(REQUESTS - Math.ceil(REQUESTS / 4), next)
  const drift = rssMegabytes() - before
  expect(system.pidOf('api')).toBe(pid)
  expect(await workspace.check({ feature: 'leads' })).toMatchObject({ degraded: false })
  expect(system.wholeLogOf('api')).not.toContain('"level":50')
  expect(seen.get('400')).toBeGreaterThan(REQUESTS / 10)
  expect(seen.get('200')).toBeGreaterThan(REQUESTS / 50)
  expect(drift, 'MB that the process grew by after its first quarter').toBeLessThan(DRIFT_MAX_MB)
  expect(seen.get('closed') ?? 0).toBeLessThan(REQUESTS / 10)
  const shown = [...seen]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, count]) => `${status} × ${count}`)
  console.log(
    `G22: ${REQUESTS} odd requests, RSS ${before.toFixed(0)} MB and ${drift.toFixed(0)} MB more at the end: ${shown.join(', ')}`,
  )
}, 1_800_000)
