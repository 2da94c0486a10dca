import { pino } from 'pino'
import { expect, test } from 'vitest'
import { contextWith } from '#test/helpers/app.ts'
import { createApp } from '../app.ts'

test('waits of one key take a quarter of the places, so that the others are answered', async () => {
  const looks: PromiseWithResolvers<void>[] = []
  const released = Promise.withResolvers<void>()
  const holds: Partial<ReturnType<typeof contextWith>['holds']> = {
    counted: async () => {
      looks.shift()?.resolve()
      return Object({ counted: [false] })
    },
  }
  const context = contextWith({ now: 0 })
  const keyRate = { perSecond: 1_000, burst: 1_000 }
  const capacity = { inFlightMax: 8, keyRate, isBehind: () => false, onShed: () => undefined }
  const app = await createApp(
    {
      ...context,
      holds: { ...context.holds, ...holds },
      authenticate: async (token) => ({ ...KEY, id: token.slice(0, 8) }),
    },
    pino({ level: 'silent' }),
    { capacity, pause: () => released.promise },
  )
  const wait = (key: string): Promise<number> =>
    app
      .inject({
        method: 'POST',
        url: '/v1/check',
        headers: { authorization: `Bearer ${key}` },
        payload: { workspace: 'acme', feature: 'leads', after: 'c~op~0' },
      })
      .then(({ statusCode }) => statusCode)
  const asked = async (key: string): Promise<{ readonly answer: Promise<number> }> => {
    const look = Promise.withResolvers<void>()
    looks.push(look)
    const answer = wait(key)
    await look.promise
    return { answer }
  }
  const first = [await asked('AAAAAAAA'), await asked('AAAAAAAA')]
  const third = await asked('AAAAAAAA')
  expect(await Promise.race([third.answer, nextTurns()])).toBe(429)
  const other = await asked('BBBBBBBB')
  expect(await Promise.race([other.answer, nextTurns()])).toBe('waits')
  released.resolve()
  expect(await Promise.all([...first, other].map(({ answer }) => answer))).toEqual([503, 503, 503])
  expect(await Promise.race([(await asked('AAAAAAAA')).answer, nextTurns()])).not.toBe(429)
  await app.close()
})

const KEY = {
  label: 'test',
  scopes: ['check'] as const,
  workspaces: '*' as const,
  createdAt: 0,
  expiresAt: null,
}

/** Longer than an answer takes that waits for nothing. */
async function nextTurns(): Promise<'waits'> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  return 'waits'
}
