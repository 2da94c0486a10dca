import Fastify from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { type ShedCause, shedLoad } from '#api/plugins/shedding.ts'
import { leaveUnread } from '#test/chaos/slow-clients.ts'
import { eventually } from '#test/helpers/eventually.ts'

/** More than the kernel takes of a connection that nobody reads. */
const LONG = 'x'.repeat(20_000_000)
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A server that takes one request at a time, and says what it was asked and why it turned others away. */
async function startServer() {
  const seen = { long: 0, shed: [] as ShedCause[] }
  const app = Fastify()
  shedLoad(app, {
    inFlightMax: 1,
    keyRate: { perSecond: 1, burst: 1 },
    isBehind: () => false,
    onShed: (cause) => seen.shed.push(cause),
  })
  app.get('/long', () => {
    seen.long += 1
    return LONG
  })
  app.get('/short', () => 'short')
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  ends.push(() => app.close())
  const unread = async (path: string, count: number): Promise<void> => {
    ends.push(await leaveUnread(url, { key: 'any', path, count }))
  }
  return { url, seen, unread }
}

test('G23: an answer that nobody reads takes no place', async () => {
  const { url, seen, unread } = await startServer()
  await unread('/long', 1)
  await eventually(
    async () => seen.long,
    (long) => long === 1,
    { what: 'the long answer to be made' },
  )
  expect((await fetch(`${url}/short`)).status).toBe(200)
  expect(seen.shed).toEqual([])
})

test('G23: of one connection 32 answers at most wait to be read; further requests are turned away', async () => {
  const { url, seen, unread } = await startServer()
  await unread('/long', 50)
  await eventually(
    async () => seen.shed.length,
    (turnedAway) => turnedAway === 18,
    { what: 'what is too much to be turned away' },
  )
  expect([seen.long, new Set(seen.shed)]).toEqual([32, new Set(['unread'])])
  expect((await fetch(`${url}/short`)).status).toBe(200)
})
