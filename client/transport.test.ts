import { expect, onTestFinished, test, vi } from 'vitest'
import { type ClientOptions, TallygateClient } from './client.ts'

/** A client that may do everything while nobody answers, and how often it asked. */
function clientWith(options: Partial<ClientOptions>) {
  const asked = { times: 0 }
  const fetch = async (): Promise<Response> => {
    asked.times += 1
    throw new TypeError('nobody is there')
  }
  const shared = {
    url: 'http://tallygate',
    key: 'tg_live_key',
    patienceMs: 50,
    onUnavailable: 'allow',
  } as const
  return { asked, client: new TallygateClient({ ...shared, fetch, ...options }) }
}

test('a request that is no JSON is thrown at once, and is not allowed for want of an answer', async () => {
  const { asked, client } = clientWith({})
  const items = [{ feature: 'leads', quantity: 10n as unknown as number }]
  await expect(client.consume({ workspace: 'acme', items })).rejects.toThrow(TypeError)
  await expect(client.checks({ workspace: 'acme', items })).rejects.toThrow(TypeError)
  expect(asked.times).toBe(0)
})

test('what traceHeaders throws is thrown at once: it says nothing of the service', async () => {
  const traceHeaders = (): never => {
    throw new RangeError('no context')
  }
  const { asked, client } = clientWith({ traceHeaders })
  await expect(client.check({ workspace: 'acme', feature: 'leads' })).rejects.toThrow('no context')
  expect(asked.times).toBe(0)
})

test.for([{ patienceMs: Number.NaN }, { timeoutMs: Number.NaN }, { patienceMs: '50' as unknown as number }])(
  'times of a call that are none are thrown at once, and do not pass for a service that was not there: %o',
  async (times) => {
    const { asked, client } = clientWith({})
    await expect(client.check({ workspace: 'acme', feature: 'leads' }, times)).rejects.toThrow(RangeError)
    expect(asked.times).toBe(0)
  },
)

test('a call that may take for ever is not over at once', async () => {
  const asked = Promise.withResolvers<AbortSignal>()
  const fetch: NonNullable<ClientOptions['fetch']> = (_url, { signal }) => {
    asked.resolve(signal)
    return new Promise(() => undefined)
  }
  const timers = vi.spyOn(globalThis, 'setTimeout')
  onTestFinished(() => {
    for (const { value } of timers.mock.results) clearTimeout(value)
    timers.mockRestore()
  })
  const { client } = clientWith({ fetch })
  const forEver = { patienceMs: Number.POSITIVE_INFINITY, timeoutMs: Number.POSITIVE_INFINITY }
  void client.check({ workspace: 'acme', feature: 'leads' }, forEver)
  await asked.promise
  expect(timers.mock.calls[0]?.[1]).toBeLessThan(2 ** 31)
})

test('a call whose deadline has passed is answered by onUnavailable', async () => {
  const { client } = clientWith({})
  const late = await client.check({ workspace: 'acme', feature: 'leads' }, { patienceMs: -0.5 })
  expect(late.reason).toBe('degraded_allow')
})
