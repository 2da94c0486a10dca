import { expect, test } from 'vitest'
import { startRounds } from './rounds.ts'

test('rounds never overlap, and stopping waits for the one under way', async () => {
  let begun = 0
  let under = 0
  let end: () => void = () => undefined
  const rounds = startRounds(0, async () => {
    begun += 1
    under += 1
    expect(under).toBe(1)
    await new Promise<void>((resolve) => {
      end = resolve
    })
    under -= 1
  })
  expect(begun).toBe(1)
  let hasStopped = false
  const stopping = rounds.stop().then(() => {
    hasStopped = true
  })
  await Promise.resolve()
  expect(hasStopped).toBe(false)
  end()
  await stopping
  expect({ begun, under }).toEqual({ begun: 1, under: 0 })
})

test('stopping ends the pause before the first round', async () => {
  let begun = 0
  const rounds = startRounds(
    60_000,
    async () => {
      begun += 1
    },
    { first: 'later' },
  )
  await rounds.stop()
  expect(begun).toBe(0)
})
