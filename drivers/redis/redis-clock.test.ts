import { expect, test } from 'vitest'
import { RedisClock } from './redis-clock.ts'

/** Redis' clock when ours shows 0. */
const AHEAD = 1_000_000

/** A reply under way for so long, either way, to a question of `sentAt`. */
function stated(sentAt: number, { there = 0, back = 0, ahead = AHEAD } = {}) {
  return { sentAt, receivedAt: sentAt + there + back, now: sentAt + there + ahead }
}

function clockOf(...replies: readonly Parameters<RedisClock['hear']>[0][]): RedisClock {
  const clock = new RedisClock()
  for (const reply of replies) clock.hear(reply)
  return clock
}

test('goes on between replies, in whole milliseconds', () => {
  expect(clockOf(stated(10)).at(200.9)).toBe(AHEAD + 200)
})

test('the way of a reply puts it back by that much, never ahead', () => {
  expect(clockOf(stated(10, { there: 30, back: 20 })).at(100)).toBe(AHEAD + 80)
})

test('a reply that was read late does not put back what a better one proved', () => {
  const clock = clockOf(stated(10, { back: 1 }), stated(50, { there: 5, back: 100 }))
  expect(clock.at(200)).toBe(AHEAD + 199)
})

test.for([3_600_000, -3_600_000])('a clock that is set by %d ms is followed by the next reply', (by) => {
  const clock = clockOf(stated(10), stated(50, { there: 2, back: 2, ahead: AHEAD + by }))
  expect(Math.abs(clock.at(100) - (AHEAD + by + 100))).toBeLessThanOrEqual(2)
})

test('a clock that runs slower than ours is never passed by more than a reply takes', () => {
  const clock = new RedisClock()
  for (let sentAt = 0; sentAt < 100_000; sentAt += 50)
    clock.hear(stated(sentAt, { there: 1, back: 1, ahead: AHEAD - sentAt / 1_000 }))
  expect(clock.at(100_000)).toBeLessThanOrEqual(AHEAD + 99_900 + 1)
})
