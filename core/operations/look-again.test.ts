import { expect, test } from 'vitest'
import { lookAgain } from './look-again.ts'

/** Looks for something that is there after so long; when each look was made, and what came of it. */
async function lookFor(afterMs: number) {
  let now = 0
  const looks: number[] = []
  const found = await lookAgain(
    async (forMs) => {
      now += forMs
    },
    async () => {
      looks.push(now)
      return now >= afterMs ? 'found' : null
    },
  )
  return { found, looks }
}

test('what is there, or comes soon, is found by one of the first looks', async () => {
  expect(await lookFor(0)).toEqual({ found: 'found', looks: [0] })
  expect(await lookFor(30)).toEqual({ found: 'found', looks: [0, 25, 55] })
})

test('what comes late is found at most a tenth of a second after it came', async () => {
  for (const at of [200, 700, 1_500, 1_999]) {
    const { found, looks } = await lookFor(at)
    expect([found, (looks.at(-1) ?? 0) - at < 100]).toEqual(['found', true])
  }
})

test('what never comes is looked for two seconds, a few dozen times', async () => {
  const { found, looks } = await lookFor(Number.POSITIVE_INFINITY)
  expect([found, looks.at(-1)]).toEqual([null, 2_000])
  expect(looks.length).toBeLessThan(30)
})
