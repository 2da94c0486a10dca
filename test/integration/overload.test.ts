import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerWithoutBody, type Slowness, slowClients } from '#test/chaos/slow-clients.ts'
import { slowClientsElsewhere } from '#test/chaos/slow-clients-thread.ts'
import { TcpProxy } from '#test/chaos/tcp-proxy.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type Asked, openLoop, p99 } from '#test/helpers/open-loop.ts'
import { type System, startSystem } from '#test/helpers/system.ts'

const SECONDS = Number(process.env['G24_SECONDS'] ?? 2)
const SLOW_SECONDS = Number(process.env['G23_SECONDS'] ?? 1)
const KEY_RATE = 100
const KEY_BURST = 20
const IN_FLIGHT_MAX = 60
/** Fewer than there are slow clients. */
const ROOMY_IN_FLIGHT_MAX = 100
/** Redis answers after twice this, so that what is under way, not the machine, is what there is too little of. */
const DELAY_MS = 50
/** What a machine that others use adds to the slowest of a hundred answers, ms. */
const NOISE_MS = 30
/** How soon all but one in a hundred are turned away, ms, where a machine that stands still for a moment does not decide it. */
const SHED_WITHIN_MS = SECONDS > 10 ? 50 : Number.POSITIVE_INFINITY
/** How long it turns away before it is measured, ms: in its first second it compiles what it does. */
const WARM_UP_MS = 1_000
const CAPACITY = (IN_FLIGHT_MAX * 1_000) / (2 * DELAY_MS)
const RECOVERED_WITHIN_MS = 5_000
/**
 * What turning away leaves to the collector of garbage, MB: it is in no hurry for the first half minute, and stays at some 260 from
 * then on; a collection leaves what was there before.
 */
const GROWN_MAX = SECONDS > 10 ? 350 : 150

let proxy: TcpProxy
let system: System
/** One whose Redis is not slow and whose keys are not limited. */
let roomy: System
beforeAll(async () => {
  const addresses = engineAddresses()
  proxy = await TcpProxy.open(Number(new URL(addresses.redis).port))
  const stall = new URL('../chaos/stall.ts', import.meta.url).pathname
  system = await startSystem(
    ['api', 'consumers'],
    {
      KEY_REQUESTS_PER_S: String(KEY_RATE),
      KEY_BURST: String(KEY_BURST),
      IN_FLIGHT_MAX: String(IN_FLIGHT_MAX),
      LOOP_DELAY_MAX_MS: '150',
      // Every check asks Redis: what is kept near would be answered however slow that is.
      CHECK_CACHE_MS: '0',
      NODE_OPTIONS: `--import ${stall}`,
    },
    { ...addresses, redis: `redis://127.0.0.1:${proxy.port}` },
  )
  roomy = await startSystem(['api'], { IN_FLIGHT_MAX: String(ROOMY_IN_FLIGHT_MAX) })
})
afterAll(async () => {
  proxy.set({ kind: 'pass' })
  await Promise.all([system.stop(), roomy.stop()])
  await proxy.close()
})

const check =
  (key: string, { api }: System = system) =>
  (): Promise<Response> =>
    fetch(`${api}/v1/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ workspace: 'nobody', feature: 'leads' }),
    })
/** The same check, asked by some keys in turn. */
const checksOf = (keys: readonly string[], { api }: System = system) => ({
  url: `${api}/v1/check`,
  questions: keys.map((key) => ({ key, body: { workspace: 'nobody', feature: 'leads' } })),
})
const withStatus = (asked: readonly Asked[], status: number): readonly Asked[] =>
  asked.filter((one) => one.status === status)
const megabytes = (): number => {
  const status = readFileSync(`/proc/${system.pidOf('api')}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024
}
const shed = async (cause: string): Promise<number> => {
  const metrics = await (await fetch(`http://127.0.0.1:${system.env['ADMIN_PORT']}/metrics`)).text()
  return Number(new RegExp(`shed_total\\{cause="${cause}"\\} (\\d+)`).exec(metrics)?.[1] ?? 0)
}

/** Waits until a check is answered; how long that took, ms. */
async function recovered(key: string): Promise<number> {
  const startedAt = performance.now()
  await eventually(check(key), ({ status }) => status === 200, { what: 'a check to be answered again' })
  return performance.now() - startedAt
}

test('G24: a key that asks too much is answered 429 before its body is read; other keys and health are not', async () => {
  const [greedy, modest] = [await system.createKey({}), await system.createKey({})]
  await check(modest)()
  proxy.set({ kind: 'pass' })
  const startedAt = performance.now()
  const load = openLoop({ ...checksOf([greedy]), perSecond: 4 * KEY_RATE, forMs: 2_000 })
  await eventually(check(greedy), ({ status }) => status === 429, { what: 'the key to be slowed down' })
  const unread = Array.from({ length: 20 }, () => answerWithoutBody({ url: system.api, key: greedy }))
  expect((await check(modest)()).status).toBe(200)
  expect((await fetch(`${system.api}/healthz`)).status).toBe(200)
  expect(await Promise.race(unread)).toContain('429')
  const asked = await load
  const admittedMax = KEY_BURST + ((performance.now() - startedAt) * KEY_RATE) / 1_000
  const refused = withStatus(asked, 429)
  expect(refused.every(({ hasRetryAfter }) => hasRetryAfter)).toBe(true)
  expect(withStatus(asked, 200).length).toBeLessThanOrEqual(admittedMax)
  expect(refused.length).toBeGreaterThan(0)
  expect(await shed('key')).toBeGreaterThan(0)
  expect(await recovered(greedy)).toBeLessThan(RECOVERED_WITHIN_MS)
})

test('G24: three times what can be under way: the rest is answered 503 at once, memory stays, it recovers', {
  timeout: 60_000 + SECONDS * 2_000,
}, async () => {
  proxy.set({ kind: 'delay', ms: DELAY_MS })
  const before = megabytes()
  const keys = await Promise.all(
    Array.from({ length: (3 * CAPACITY) / (KEY_RATE / 2) }, () => system.createKey({})),
  )
  const load = { ...checksOf(keys), perSecond: 3 * CAPACITY }
  await openLoop({ ...load, forMs: WARM_UP_MS })
  const asked = await openLoop({ ...load, forMs: SECONDS * 1_000 })
  const health = await fetch(`${system.api}/healthz`)
  const grown = megabytes() - before
  proxy.set({ kind: 'pass' })
  const recoveryMs = await recovered(system.key)
  const [accepted, refused] = [withStatus(asked, 200), withStatus(asked, 503)]
  process.stdout.write(
    `G24: ${asked.length} checks at 3x capacity, ${accepted.length} answered (p99 ${p99(accepted).toFixed(0)} ms), ` +
      `${refused.length} shed (p99 ${p99(refused).toFixed(0)} ms), RSS +${grown.toFixed(0)} MB, recovered in ${recoveryMs.toFixed(0)} ms\n`,
  )
  expect(asked.map(({ status }) => status).filter((status) => status !== 200 && status !== 503)).toEqual([])
  expect(refused.length).toBeGreaterThan(asked.length / 4)
  expect(accepted.length).toBeGreaterThan(IN_FLIGHT_MAX)
  expect(refused.every(({ hasRetryAfter }) => hasRetryAfter)).toBe(true)
  expect(p99(refused), 'turned away sooner than answered, in the same run').toBeLessThan(p99(accepted))
  expect(p99(refused)).toBeLessThan(SHED_WITHIN_MS)
  expect(health.status).toBe(200)
  expect(grown).toBeLessThan(GROWN_MAX)
  expect(recoveryMs).toBeLessThan(RECOVERED_WITHIN_MS)
})

test('G24: a process that is late answers 503 with retry-after, health all the same, and recovers by itself', async () => {
  const before = await shed('loop')
  system.signal('api', 'SIGUSR2')
  const seen = await eventually(check(system.key), ({ status }) => status === 503, {
    what: 'a check to be shed',
    withinMs: 5_000,
  })
  expect(seen.headers.get('retry-after')).toBe('1')
  expect(await seen.json()).toMatchObject({ code: 'unavailable' })
  expect((await fetch(`${system.api}/healthz`)).status).toBe(200)
  expect(await recovered(system.key)).toBeLessThan(RECOVERED_WITHIN_MS)
  expect(await shed('loop')).toBeGreaterThan(before)
})

test('G24: clients that are gone before their answer take no place', async () => {
  const before = performance.now()
  const count = ROOMY_IN_FLIGHT_MAX + 20
  await slowClients({ url: roomy.api, key: roomy.key, count, slowness: 'gone', forMs: 0 })
  const isAnswered = ({ status }: Response): boolean => status === 200
  await eventually(check(roomy.key, roomy), isAnswered, { what: 'a check to be answered', withinMs: 5_000 })
  expect(performance.now() - before).toBeLessThan(5_000)
})

test('G23: slow headers, slow bodies and silence are cut off within 5 s, and checks are answered meanwhile', {
  timeout: 60_000 + SLOW_SECONDS * 2_000,
}, async () => {
  const load = {
    ...checksOf([roomy.key], roomy),
    perSecond: 100,
    forMs: Math.max(SLOW_SECONDS, 4) * 1_000,
  }
  await openLoop({ ...load, forMs: 1_000 })
  const alone = await openLoop({ ...load, forMs: Math.min(load.forMs, 20_000) })
  const many = (slowness: Slowness, count: number): Promise<readonly number[]> =>
    slowClientsElsewhere({ url: roomy.api, key: roomy.key, count, slowness, forMs: SLOW_SECONDS * 1_000 })
  const clients = Promise.all([many('header', 500), many('body', 500), many('silent', 50)])
  const beside = await openLoop(load)
  const lived = (await clients).map((times) => Math.max(...times))
  process.stdout.write(
    `G23: closed after ${lived.map((ms) => ms.toFixed(0)).join(', ')} ms at most (header, body, silent); ` +
      `check p99 ${p99(alone).toFixed(1)} ms alone, ${p99(beside).toFixed(1)} ms beside 1,050 slow clients\n`,
  )
  expect(Math.max(...lived)).toBeLessThan(5_000)
  // In one second the connections of all of them are being opened; the long form asks for what is promised.
  if (SLOW_SECONDS > 1)
    expect(p99(beside), 'beside slow clients, of the same run').toBeLessThan(2 * p99(alone) + NOISE_MS)
  expect(withStatus(beside, 200).length).toBe(beside.length)
})
