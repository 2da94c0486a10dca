import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Pause } from '#core/operations/look-again.ts'
import { CHECK_KEY, contextWith } from '#test/helpers/app.ts'
import { createApp } from '../app.ts'
import type { OnShed } from './shedding.ts'

test('waits of one key take a quarter of the places, so that the others are answered', async () => {
  const looks: PromiseWithResolvers<void>[] = []
  const released = Promise.withResolvers<void>()
  const shed: unknown[] = []
  const app = await appOf({
    inFlightMax: 8,
    look: async () => {
      looks.shift()?.resolve()
      return false
    },
    pause: () => released.promise,
    onShed: (...told) => shed.push(told),
  })
  const asked = async (key: string): Promise<{ readonly answer: Promise<number> }> => {
    const look = Promise.withResolvers<void>()
    looks.push(look)
    const answer = wait(app, key)
    await look.promise
    return { answer }
  }
  const first = [await asked('AAAAAAAA'), await asked('AAAAAAAA')]
  const third = await asked('AAAAAAAA')
  expect(await Promise.race([third.answer, nextTurns()])).toBe(429)
  const other = await asked('BBBBBBBB')
  expect(await Promise.race([other.answer, nextTurns()])).toBe('waits')
  expect(shed, 'operators see why').toEqual([['waits', 'AAAAAAAA']])
  released.resolve()
  expect(await Promise.all([...first, other].map(({ answer }) => answer))).toEqual([503, 503, 503])
  expect(await Promise.race([(await asked('AAAAAAAA')).answer, nextTurns()])).not.toBe(429)
  await app.close()
})

test('a request that waits already keeps its place while it looks, and is not refused for one that came later', async () => {
  const second = { begun: Promise.withResolvers<void>(), finds: Promise.withResolvers<boolean>() }
  const pauses: PromiseWithResolvers<void>[] = []
  let looks = 0
  const app = await appOf({
    inFlightMax: 4,
    look: async () => {
      looks += 1
      if (looks !== 2) return false
      second.begun.resolve()
      return second.finds.promise
    },
    pause: () => {
      const pause = Promise.withResolvers<void>()
      pauses.push(pause)
      return pause.promise
    },
    onShed: () => undefined,
  })
  const early = wait(app, 'AAAAAAAA')
  expect(await Promise.race([early, nextTurns()])).toBe('waits')
  pauses[0]?.resolve()
  await second.begun.promise
  expect(await Promise.race([wait(app, 'AAAAAAAA'), nextTurns()])).toBe(429)
  second.finds.resolve(false)
  expect(await Promise.race([early, nextTurns()])).toBe('waits')
  expect(pauses).toHaveLength(2)
  await app.close()
})

interface Given {
  readonly inFlightMax: number
  /** Whether what is waited for is counted. */
  readonly look: () => Promise<boolean>
  readonly pause: Pause
  readonly onShed: OnShed
}

function appOf({ inFlightMax, look, pause, onShed }: Given): Promise<FastifyInstance> {
  const holds: Partial<ReturnType<typeof contextWith>['holds']> = {
    counted: async () => Object({ counted: [await look()] }),
  }
  const context = contextWith({ now: 0 })
  const keyRate = { perSecond: 1_000, burst: 1_000 }
  return createApp(
    {
      ...context,
      holds: { ...context.holds, ...holds },
      authenticate: async (token) => ({ ...CHECK_KEY, id: token.slice(0, 8) }),
    },
    pino({ level: 'silent' }),
    { capacity: { inFlightMax, keyRate, isBehind: () => false, onShed }, pause },
  )
}

async function wait(app: FastifyInstance, key: string): Promise<number> {
  const payload = { workspace: 'acme', feature: 'leads', after: 'c~op~0' }
  const headers = { authorization: `Bearer ${key}` }
  return (await app.inject({ method: 'POST', url: '/v1/check', headers, payload })).statusCode
}

/** Longer than an answer takes that waits for nothing. */
async function nextTurns(): Promise<'waits'> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  return 'waits'
}
