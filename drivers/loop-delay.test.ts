import { expect, test } from 'vitest'
import { LoopDelay, TICK_MS } from './loop-delay.ts'

/** A loop whose rounds take so long, one after another, ms. */
function after(rounds: readonly number[]): number {
  const delay = new LoopDelay(0)
  let now = 0
  for (const ms of rounds) {
    now += ms
    delay.tick(now)
  }
  return delay.lateMs(now)
}

test('loop delay: a loop in time is not late, one long pause counts for a third, long rounds count whole', () => {
  const calm = Array<number>(50).fill(TICK_MS)
  expect(after(calm)).toBe(0)
  expect(after([...calm, 400])).toBeLessThan(150)
  expect(after([...calm, ...Array<number>(3).fill(300)])).toBeGreaterThan(150)
  expect(after([...Array<number>(20).fill(300), ...Array<number>(5).fill(TICK_MS)])).toBeLessThan(150)
})

test('loop delay: a round that does not end is late before it ends, a short pause in it is not', () => {
  const delay = new LoopDelay(0)
  for (let now = TICK_MS; now <= 1_000; now += TICK_MS) delay.tick(now)
  expect(delay.lateMs(1_000 + TICK_MS + 60)).toBe(60)
  expect(delay.lateMs(1_000 + TICK_MS + 200)).toBe(200)
  delay.tick(1_000 + TICK_MS + 200)
  expect(delay.lateMs(1_000 + TICK_MS + 200)).toBeLessThan(150)
})
