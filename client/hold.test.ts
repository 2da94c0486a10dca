import { expect, test } from 'vitest'
import { TallygateClient } from './client.ts'
import { holdOf } from './hold.ts'

const MINUTE_MS = 60_000
const decisions = [{ degraded: false }]

/** A replayed answer of a service whose clock is so far from ours, with what it says of its hold. */
function served({ aheadMs, leftMs }: { readonly aheadMs: number; readonly leftMs: number }) {
  const now = Date.now() + aheadMs
  const remainingMs = leftMs > 0 ? leftMs : null
  const expiresAt = new Date(now + leftMs).toISOString()
  const answer = { allowed: true, replayed: true, decisions, expiresAt, held: leftMs > 0, remainingMs }
  return { answer, date: new Date(now).toUTCString() }
}

/** The same from a service of before it said whether it holds. */
function servedBefore(times: { readonly aheadMs: number; readonly leftMs: number }) {
  const { answer, date } = served(times)
  const { held: _, remainingMs: __, ...before } = answer
  return { answer: before, date }
}

const clocks = [-MINUTE_MS, -20, 0, 20, MINUTE_MS]

test.for(clocks)(
  'an answer says itself what is held, whatever the clocks: the service by %i ms',
  (aheadMs) => {
    const over = served({ aheadMs, leftMs: 0 })
    expect(holdOf(over.answer, null)).toEqual({ held: false, expiresAt: null, remainingMs: null })
    const { answer } = served({ aheadMs, leftMs: 30_000 })
    expect(holdOf(answer, null)).toEqual({ held: true, expiresAt: answer.expiresAt, remainingMs: 30_000 })
  },
)

test.for(clocks)('an older service is taken by its own date: by %i ms', (aheadMs) => {
  const over = servedBefore({ aheadMs, leftMs: 0 })
  expect(holdOf(over.answer, over.date).held).toBe(false)
  const { answer, date } = servedBefore({ aheadMs, leftMs: 30_000 })
  const { held, remainingMs } = holdOf(answer, date)
  expect(held).toBe(true)
  expect(remainingMs).toBeGreaterThanOrEqual(29_000)
  expect(remainingMs).toBeLessThanOrEqual(30_000)
  expect(holdOf({ ...over.answer, replayed: false }, over.date).held, 'made just now').toBe(true)
  expect(holdOf({ ...answer, decisions: [{ degraded: true }] }, date).held, 'by policy').toBe(false)
})

test('withReservation begins no work again where the clock of the caller is behind', async () => {
  const { answer } = served({ aheadMs: MINUTE_MS, leftMs: 0 })
  const body = { ...answer, granted: [1], reservation: 'job' }
  const client = new TallygateClient({
    url: 'http://tallygate',
    key: 'tg_live_key',
    fetch: async () => new Response(JSON.stringify(body)),
  })
  let begun = 0
  const outcome = client.withReservation(
    { workspace: 'acme', id: 'job', items: [{ feature: 'leads' }] },
    () => {
      begun += 1
    },
  )
  await expect(outcome).rejects.toMatchObject({ code: 'expired', operation: 'job' })
  expect(begun).toBe(0)
})
