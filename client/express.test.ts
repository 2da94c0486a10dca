import { expect, test } from 'vitest'
import { TallygateClient } from './client.ts'
import { gate, type ResponseLike } from './express.ts'

const denial = {
  allowed: false,
  reason: 'limit_reached',
  feature: 'leads',
  limit: 1,
  remaining: 0,
  unblock: [],
  trace: [],
}
const client = new TallygateClient({
  url: 'http://127.0.0.1:1',
  key: 'k',
  fetch: async () => new Response(JSON.stringify(denial)),
})
const rule = { feature: 'leads', workspace: () => 'acme' }

/** Node's response: its headers cannot be set once they are sent. */
function response(headersSent: boolean): ResponseLike & { readonly done: string[] } {
  const done: string[] = []
  return {
    done,
    headersSent,
    statusCode: 200,
    setHeader: () => {
      if (headersSent) throw new Error('ERR_HTTP_HEADERS_SENT')
    },
    end: (body) => done.push(body),
  }
}

/** Gates a request; what the route's `next` was called with, once the gate is through. */
async function gated(answer: ResponseLike): Promise<readonly unknown[]> {
  const called: unknown[] = []
  gate(client, rule)({}, answer, (error) => called.push(error))
  await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))))
  return called
}

test('express: a denied caller gets 403, and the route does not run', async () => {
  const answer = response(false)
  expect(await gated(answer)).toEqual([])
  expect([answer.statusCode, answer.done.length]).toEqual([403, 1])
})

test('express: a denial that comes when somebody has answered already changes nothing, and throws nothing', async () => {
  const answer = response(true)
  expect(await gated(answer)).toEqual([])
  expect([answer.statusCode, answer.done]).toEqual([200, []])
})

test('express: what fails while a denial is sent goes to the error handler', async () => {
  const broken = {
    ...response(false),
    setHeader: () => {
      throw new Error('broken')
    },
  }
  expect(await gated(broken)).toMatchObject([{ message: 'broken' }])
})
