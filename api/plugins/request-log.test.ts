import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createApp } from '#api/app.ts'
import { TallygateError } from '#core/errors.ts'
import { contextWith } from '#test/helpers/app.ts'

/** An API whose MongoDB fails as told, and the lines that it logs. */
async function failing(error: Error) {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const fail = async (): Promise<never> => Promise.reject(error)
  const context = contextWith({
    now: 0,
    versions: fail,
    catalogueSource: async (requestLog) => {
      requestLog.warn('the newest catalogue is not known')
      return fail()
    },
  })
  const app = await createApp(context, log)
  const get = async (url: string) => {
    const { statusCode, body } = await app.inject({ url, headers: { authorization: 'Bearer key' } })
    return { status: statusCode, request: JSON.parse(body).request as string }
  }
  return { get, lines }
}

test('log: the lines of a request name it as its failed answer does', async () => {
  const { get, lines } = await failing(new Error('a bug'))
  const first = await get('/v1/workspaces/w/orders')
  const second = await get('/v1/catalogue')
  expect([first.status, second.status]).toEqual([500, 500])
  expect(first.request).not.toBe(second.request)
  expect(lines.map(({ reqId, msg }) => [reqId, msg])).toEqual([
    [first.request, 'a bug'],
    [second.request, 'the newest catalogue is not known'],
    [second.request, 'a bug'],
  ])
})

test('log: a request that could not be answered is found by its id at debug', async () => {
  const { get, lines } = await failing(new TallygateError('unavailable', 'MongoDB is away'))
  const { status, request } = await get('/v1/catalogue')
  expect(status).toBe(503)
  expect(lines.at(-1)).toMatchObject({ level: 20, reqId: request, code: 'unavailable' })
})

test('log: no two processes give requests the same ids', async () => {
  const [one, other] = [await failing(new Error('x')), await failing(new Error('x'))]
  expect((await one.get('/v1/catalogue')).request).not.toBe((await other.get('/v1/catalogue')).request)
})
