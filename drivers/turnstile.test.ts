import { expect, test } from 'vitest'
import { Turnstile } from './turnstile.ts'

/** Calls of some weights that end when they are told to. */
function callsOf(turnstile: Turnstile, weights: readonly number[]) {
  const ends: (() => void)[] = []
  const begun: number[] = []
  const calls = weights.map((weight, call) =>
    turnstile.pass(weight, async () => {
      begun.push(call)
      await new Promise<void>((resolve) => {
        ends[call] = resolve
      })
      if (call === 1) throw new Error('failed')
      return call
    }),
  )
  return { calls, begun, end: (call: number) => ends[call]?.() }
}

test('so many calls at once, in the order they came, also where some fail', async () => {
  const { calls, begun, end } = callsOf(new Turnstile(2), [1, 1, 1, 1])
  expect(begun).toEqual([0, 1])
  end(1)
  await expect(calls[1]).rejects.toThrow('failed')
  expect(begun).toEqual([0, 1, 2])
  end(2)
  expect(await calls[2]).toBe(2)
  end(0)
  end(3)
  expect(await Promise.all([calls[0], calls[3]])).toEqual([0, 3])
})

test('light calls go together, a heavy one waits for room and is not passed by, one too heavy goes alone', async () => {
  const { calls, begun, end } = callsOf(new Turnstile(10), [3, 3, 9, 1, 50])
  calls[1]?.catch(() => undefined)
  expect(begun).toEqual([0, 1])
  end(0)
  await calls[0]
  expect(begun).toEqual([0, 1])
  end(1)
  await expect(calls[1]).rejects.toThrow('failed')
  expect(begun).toEqual([0, 1, 2, 3])
  end(2)
  await calls[2]
  expect(begun).toEqual([0, 1, 2, 3])
  end(3)
  await calls[3]
  expect(begun).toEqual([0, 1, 2, 3, 4])
  end(4)
  expect(await calls[4]).toBe(4)
})
