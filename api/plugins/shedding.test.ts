import Fastify from 'fastify'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { CHECK_KEY, contextWith } from '#test/helpers/app.ts'
import { createApp } from '../app.ts'
import { type ShedCause, shedLoad } from './shedding.ts'

const headers = { authorization: 'Bearer AAAAAAAA' }
const manyOf = (count: number) => Array.from({ length: count }, () => ({ feature: 'leads' }))

test('a key pays for each item: what one request costs beyond its burst, the next ones wait for', async () => {
  const shed: unknown[] = []
  const context = contextWith({ now: 0 })
  const capacity = {
    inFlightMax: 1_000,
    keyRate: { perSecond: 1, burst: 50 },
    isBehind: () => false,
    onShed: (...told: unknown[]) => shed.push(told),
  }
  const app = await createApp(
    { ...context, authenticate: async (token) => ({ ...CHECK_KEY, id: token.slice(0, 8) }) },
    pino({ level: 'silent' }),
    { capacity },
  )
  const ask = (payload: object, url = '/v1/checks') => app.inject({ method: 'POST', url, headers, payload })
  const first = await ask({ workspace: 'acme', items: manyOf(100) })
  expect(first.statusCode, 'it is admitted, though there is nothing to answer it from').toBe(500)
  const refused = await ask({ workspace: 'acme', feature: 'leads' }, '/v1/check')
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '1'])
  expect(shed).toEqual([['key', 'AAAAAAAA']])
  await app.close()
})

/** An app that takes so many items at once, and whose answers wait until they are let go. */
function busyApp(inFlightMax: number) {
  const shed: ShedCause[] = []
  const release = Promise.withResolvers<void>()
  const begun: number[] = []
  let round = 0
  const app = Fastify()
  shedLoad(app, {
    inFlightMax,
    keyRate: { perSecond: 1, burst: 1 },
    isBehind: () => false,
    onShed: (cause) => shed.push(cause),
  })
  app.post('/ask', async () => {
    begun.push(round)
    await release.promise
    return 'done'
  })
  const ask = async (body: object): Promise<unknown> =>
    (await app.inject({ method: 'POST', url: '/ask', payload: body })).statusCode
  const begin = async (count: number): Promise<readonly number[]> => {
    while (begun.length < count) {
      await new Promise((resolve) => setImmediate(resolve))
      round += 1
    }
    return begun
  }
  return { shed, release, ask, begin }
}

test('a request takes a place for each item it lists, and gives them all back', async () => {
  const { shed, release, ask, begin } = busyApp(150)
  const first = [ask({ items: manyOf(100) }), ask({ events: manyOf(100) })]
  await begin(2)
  expect(await ask({ feature: 'leads' }), 'no place is left').not.toBe(200)
  expect(shed).toEqual(['in_flight'])
  release.resolve()
  expect(await Promise.all(first)).toEqual([200, 200])
  expect(await Promise.all([ask({ items: manyOf(100) }), ask({})])).toEqual([200, 200])
})

test('lists of many items are begun in a round of the loop each, whatever else is asked in none', async () => {
  const { release, ask, begin } = busyApp(10_000)
  const asked = [...Array(5).keys()].map(() => ask({ items: manyOf(100) }))
  const rounds = [...(await begin(5))]
  expect(new Set(rounds).size, `begun in the rounds ${rounds}`).toBe(5)
  asked.push(...[...Array(5).keys()].map(() => ask({ feature: 'leads' })))
  const later = [...(await begin(10))].slice(5)
  expect(new Set(later).size, `begun in the rounds ${later}`).toBe(1)
  release.resolve()
  expect(new Set(await Promise.all(asked))).toEqual(new Set([200]))
})
