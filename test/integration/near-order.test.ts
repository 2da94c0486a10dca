import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import { decideDegraded } from '#core/entitlement/degraded.ts'
import { NearChecks, type NearDecision } from '#core/operations/near-checks.ts'
import { appWith, contextWith } from '#test/helpers/app.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import type { TellThenAsk } from '#test/helpers/tell-then-ask-thread.ts'
import { startThread } from '#test/helpers/thread.ts'

const ROUNDS = 20
const BODY = JSON.stringify({ workspace: 'acme', feature: 'leads' })
const REQUEST = [
  'POST /v1/check HTTP/1.1',
  'host: here',
  'authorization: Bearer key',
  'content-type: application/json',
  `content-length: ${BODY.length}`,
  '',
  BODY,
].join('\r\n')
const thread = new URL('../helpers/tell-then-ask-thread.ts', import.meta.url)

/** Knows every decision, and notes how many changes had been heard of when it was asked. */
class NotingNear extends NearChecks {
  readonly heardOf: number[] = []
  heard = 0

  override find(): NearDecision {
    this.heardOf.push(this.heard)
    const feature = defaultCatalogue().features['leads']
    if (feature === undefined) throw new RangeError('no feature leads')
    const request = { feature: 'leads', quantity: 1 as Amount, intent: 'add' } as const
    const known = { workspace: 'acme', featureKey: 'leads', feature, request, lastKnown: null }
    const standing = {
      now: 0,
      asOf: 0,
      lagMs: 0,
      exact: true,
      degraded: false,
      catalogueRevision: 0,
    } as const
    return { verdict: decideDegraded({ ...known, cause: 'unavailable' }), accuracy: standing, isNew: false }
  }
}

/** Until the client has told and asked again: all of it lies in the sockets when this thread looks at them next. */
function standStill(done: Int32Array): void {
  if (Atomics.wait(done, 0, 0, 5_000) === 'timed-out') throw new Error('the client did not ask again')
  Atomics.store(done, 0, 0)
}

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port

test('near: what was told before a request came is heard before it is answered, also after this process stood still', async () => {
  const near = new NotingNear()
  const told = createServer((socket) => socket.on('data', ({ length }) => (near.heard += length)))
  const { check } = contextWith({ now: 0 })
  const app = await appWith({ now: 0, nearCheck: { ...check, near } })
  const done = new Int32Array(new SharedArrayBuffer(4))
  let answered = 0
  app.server.on('request', (_request, answer) => {
    answer.on('finish', () => {
      answered += 1
      if (answered % 2 === 1) standStill(done)
    })
  })
  await Promise.all([
    once(told.listen(0, '127.0.0.1'), 'listening'),
    app.listen({ host: '127.0.0.1', port: 0 }),
  ])
  const client = await startThread<number>(thread, {
    tellPort: portOf(told),
    askPort: portOf(app.server),
    request: REQUEST,
    rounds: ROUNDS,
    done,
  } satisfies TellThenAsk)
  expect(await client.stop()).toBe(ROUNDS)
  expect(near.heardOf).toEqual(Array.from({ length: 2 * ROUNDS }, (_, turn) => Math.ceil(turn / 2)))
  await Promise.all([app.close(), new Promise((resolve) => told.close(resolve))])
})
