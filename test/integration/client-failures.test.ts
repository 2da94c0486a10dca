import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ClientOptions,
  TallygateClient,
  TallygateClientError,
  UncommittedUseError,
} from '#client/client.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { FailingService, type Play } from '#test/helpers/failing-service.ts'

let service: FailingService
beforeAll(async () => {
  service = await FailingService.open()
})
afterAll(() => service.close())

const problem = (status: number, code: string, more: object = {}): Exclude<Play, string> => {
  return { status, body: { code, status, title: '…', detail: 'because', request: 'req-7', ...more } }
}
const unknown = problem(503, 'unknown')
/** Nobody's patience lasts so long: the first answer is the last. */
const forLong = { 'retry-after': '60' }
const unknownForLong: Play = { ...unknown, headers: forLong }
const decision = { allowed: true, reason: 'within_limit', feature: 'leads', quantity: 1, remaining: 9 }
const decided: Play = { status: 200, body: { ...decision, lagMs: 1, exact: true, degraded: false } }
const admitted = {
  allowed: true,
  granted: [1],
  replayed: false,
  decisions: [{ ...decision, degraded: false }],
}
const consumed: Play = { status: 200, body: { ...admitted, eventIds: ['c~x~0'] } }
const reserved: Play = {
  status: 200,
  body: { ...admitted, reservation: 'r', expiresAt: '2126-01-01T00:00:00Z' },
}
const leads = { workspace: 'acme', feature: 'leads' } as const
const use = { workspace: 'acme', items: [{ feature: 'leads' }] } as const

function clientWith(options: Partial<ClientOptions> = {}): TallygateClient {
  return new TallygateClient({ url: service.url, key: 'tg_live_key', patienceMs: 2_000, ...options })
}

async function failureOf(call: Promise<unknown>): Promise<TallygateClientError> {
  const failure = await call.then(
    () => null,
    (error: unknown) => error,
  )
  if (failure instanceof TallygateClientError) return failure
  throw new Error(`there was no failure of the client, but ${String(failure)}`)
}

describe('what is tried again', () => {
  test.for([
    ['503 unknown', unknown],
    ['503 unavailable', problem(503, 'unavailable')],
    ['429', problem(429, 'overloaded')],
    ['a gateway that reaches nobody', { status: 502, body: '<html>' }],
    ['a gateway that waits for nobody', { status: 504, body: '' }],
    ['a reset connection', 'reset'],
    ['an answer that ends halfway', 'half'],
    ['silence', 'silence'],
  ] as const)('%s: the same call with the same id until there is an answer', async ([, play]) => {
    service.play(play, play, consumed)
    const answer = await clientWith({ timeoutMs: 150 }).consume(use)
    expect(answer).toMatchObject({ allowed: true, known: true, eventIds: ['c~x~0'] })
    expect(service.seen).toHaveLength(3)
    expect(new Set(service.seen.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    expect(service.seen[0]?.body).toMatchObject({ ...use, id: answer.id })
    expect(answer.id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test.for([
    [400, 'invalid_request'],
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [409, 'idempotency_conflict'],
    [413, 'too_large'],
    [422, 'unknown_feature'],
    [500, 'internal'],
  ] as const)(
    '%s %s: asked once, thrown with code, status, workspace and request',
    async ([status, code]) => {
      service.play(problem(status, code, { field: 'quantity' }), consumed)
      const failure = await failureOf(clientWith().consume({ ...use, id: 'op-1' }))
      expect(service.seen).toHaveLength(1)
      expect(failure).toMatchObject({
        name: 'TallygateClientError',
        code,
        status,
        workspace: 'acme',
        operation: 'op-1',
        requestId: 'req-7',
        attempts: 1,
        mayHaveHappened: status === 500,
        details: { field: 'quantity' },
      })
      expect(failure.message).toContain('op-1 of acme')
    },
  )

  test.for([
    ['Redis did not answer', problem(503, 'unavailable'), true],
    ['a gateway waited in vain', { status: 504 }, true],
    ['too many requests', problem(429, 'overloaded'), false],
  ] as const)('a use that ends with: %s; may it have happened?', async ([, answer, mayHaveHappened]) => {
    service.play({ ...answer, headers: forLong })
    const failure = await failureOf(clientWith().consume({ ...use, id: 'op-1' }))
    expect(failure).toMatchObject({ mayHaveHappened, attempts: 1 })
    expect(failure.message.includes('call again with the same id')).toBe(mayHaveHappened)
  })

  test('an answer that is not JSON, or leads elsewhere, is no answer', async () => {
    service.play({ status: 200, body: '<html>' })
    expect(await failureOf(clientWith().check(leads))).toMatchObject({
      code: 'unexpected_answer',
      status: 200,
    })
    service.play({ status: 302, headers: { location: `${service.url}/elsewhere` } })
    expect(await failureOf(clientWith().check(leads))).toMatchObject({
      code: 'unexpected_answer',
      status: 302,
    })
    expect(service.seen).toHaveLength(1)
  })
})

describe('how long', () => {
  test('retry-after is waited for', async () => {
    service.play({ status: 429, headers: { 'retry-after': '1' }, body: { code: 'overloaded' } }, decided)
    await clientWith().check(leads)
    const [first, second] = service.seen
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1_000)
  })

  test('a retry-after beyond the patience is not waited for', async () => {
    service.play({ status: 429, headers: { 'retry-after': '30' }, body: { code: 'overloaded' } })
    const startedAt = performance.now()
    expect(await failureOf(clientWith().check(leads))).toMatchObject({ code: 'overloaded', attempts: 1 })
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  test('the patience bounds all attempts together, and the last failure is thrown', async () => {
    service.play(unknown)
    const startedAt = performance.now()
    const failure = await failureOf(clientWith().consume(use, { patienceMs: 400 }))
    expect(performance.now() - startedAt).toBeLessThan(900)
    expect(failure).toMatchObject({ code: 'unknown', status: 503, mayHaveHappened: true })
    expect(failure.attempts).toBe(service.seen.length)
    expect(failure.attempts).toBeGreaterThan(1)
    expect(failure.message).toContain('call again with the same id')
  })

  test('an attempt that hangs is left after its time-out, or when the patience is over', async () => {
    service.play('silence')
    const call = clientWith({ timeoutMs: 100 }).check(leads, { patienceMs: 150 })
    expect(await failureOf(call)).toMatchObject({ code: 'timeout', status: null, mayHaveHappened: false })
    const startedAt = performance.now()
    await failureOf(clientWith().check(leads, { patienceMs: 100 }))
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })

  test('what may have happened in an early attempt is not forgotten by a later one', async () => {
    service.play('silence', problem(409, 'idempotency_conflict'))
    const call = clientWith({ timeoutMs: 100 }).consume(use)
    expect(await failureOf(call)).toMatchObject({ code: 'idempotency_conflict', mayHaveHappened: true })
  })

  test('a service that nobody runs is a network failure', async () => {
    const client = clientWith({ url: 'http://127.0.0.1:1', patienceMs: 100 })
    expect(await failureOf(client.check(leads))).toMatchObject({ code: 'network', status: null })
  })
})

describe('onUnavailable', () => {
  test('answers by the policy of the feature, marked, and says that the outcome is not known', async () => {
    service.play(unknownForLong)
    const client = clientWith({ onUnavailable: { leads: 'allow', ai_credits: 'deny' } })
    expect(await client.check(leads)).toMatchObject({
      allowed: true,
      reason: 'degraded_allow',
      degraded: true,
      exact: false,
    })
    expect(await client.consume({ ...use, id: 'op' })).toMatchObject({
      allowed: true,
      known: false,
      id: 'op',
      granted: [1],
      eventIds: [],
    })
    const items = [{ feature: 'leads' }, { feature: 'ai_credits', quantity: 2 }]
    const both = await client.checks({ workspace: 'acme', items })
    expect(both).toMatchObject({
      allowed: false,
      decisions: [{ allowed: true }, { reason: 'degraded_deny' }],
    })
    expect(await client.reserve({ workspace: 'acme', items })).toMatchObject({
      allowed: false,
      known: false,
      held: false,
      granted: [0, 0],
    })
    expect((await failureOf(client.check({ ...leads, feature: 'salesbot' }))).code).toBe('unknown')
  })
})

describe('withReservation', () => {
  test('allowed by policy: the work runs, nothing is committed, and the answer says so', async () => {
    service.play(unknownForLong)
    const client = clientWith({ onUnavailable: 'allow' })
    const outcome = await client.withReservation(use, ({ held }) => held)
    expect(outcome).toMatchObject({ allowed: true, value: false, committed: null })
    expect(service.seen.every(({ path }) => path === '/v1/reservations')).toBe(true)
  })

  test('work that is done and cannot be committed is thrown with its value, and is not released', async () => {
    service.play(reserved, unknown)
    const failure = await failureOf(
      clientWith({ patienceMs: 300 }).withReservation({ ...use, id: 'r' }, ({ use: used }) => {
        used([1])
        return 'the work'
      }),
    )
    expect(failure).toBeInstanceOf(UncommittedUseError)
    expect(failure).toMatchObject({ code: 'unknown', operation: 'r', value: 'the work', quantities: [1] })
    expect(failure.mayHaveHappened).toBe(true)
    expect(new Set(service.seen.slice(1).map(({ path }) => path))).toEqual(
      new Set(['/v1/reservations/r/commit']),
    )
  })

  test('work that throws is thrown as it is, also when the reservation cannot be released', async () => {
    service.play(reserved, problem(500, 'internal'))
    const bug = new RangeError('a bug of the work')
    const outcome = clientWith().withReservation({ ...use, id: 'r' }, () => {
      throw bug
    })
    await expect(outcome).rejects.toBe(bug)
    expect(service.seen.at(-1)?.path).toBe('/v1/reservations/r/release')
  })
})

describe('the cache', () => {
  test('a check that was under way while its workspace consumed is not remembered', async () => {
    const client = clientWith({ cacheMs: 10_000 })
    service.play('silence', consumed, decided)
    const check = client.check(leads, { timeoutMs: 300 })
    await eventually(
      async () => service.seen.length,
      (asked) => asked === 1,
      { what: 'the check to be under way' },
    )
    await client.consume(use)
    expect((await check).allowed).toBe(true)
    expect(client.checkCached(leads)).toBeNull()
    expect((await client.check(leads)).cachedForMs).toBe(0)
    expect(client.checkCached(leads)).not.toBeNull()
  })

  test('also a use whose outcome is not known forgets what was remembered', async () => {
    const client = clientWith({ cacheMs: 10_000 })
    service.play(decided)
    await client.check(leads)
    expect(client.checkCached(leads)).not.toBeNull()
    service.play(unknown)
    await failureOf(client.consume(use, { patienceMs: 50 }))
    expect(client.checkCached(leads)).toBeNull()
  })
})

test('options that cannot be used are named', () => {
  expect(() => clientWith({ url: 'localhost:18080' })).toThrow(/^url:/)
  expect(() => clientWith({ key: '' })).toThrow(/^key:/)
  expect(() => clientWith({ cacheMs: 60_000 })).toThrow(/^cacheMs:/)
  expect(() => clientWith({ patienceMs: Number.NaN })).toThrow(/^patienceMs:/)
})
