import { expect, test } from 'vitest'
import { Turnstile } from './turnstile.ts'

test('so many calls at once, in the order they came, also where some fail', async () => {
  const turnstile = new Turnstile(2)
  const ends: (() => void)[] = []
  const begun: number[] = []
  const calls = [0, 1, 2, 3].map((call) =>
    turnstile.pass(async () => {
      begun.push(call)
      await new Promise<void>((resolve) => {
        ends[call] = resolve
      })
      if (call === 1) throw new Error('failed')
      return call
    }),
  )
  expect(begun).toEqual([0, 1])
  ends[1]?.()
  await expect(calls[1]).rejects.toThrow('failed')
  expect(begun).toEqual([0, 1, 2])
  ends[2]?.()
  expect(await calls[2]).toBe(2)
  ends[0]?.()
  ends[3]?.()
  expect(await Promise.all([calls[0], calls[3]])).toEqual([0, 3])
})
