import { expect, test } from 'vitest'
import { commitReservation } from './reserve.ts'

type Deps = Parameters<typeof commitReservation>[0]

/** Redis: what it says of a reservation, and of its events at each look: whether each is counted, and as of when. */
interface Said {
  readonly outcome: 'expired' | 'unknown' | 'settled'
  readonly looks: readonly (readonly [counted: boolean | readonly boolean[], asOf: number])[]
  readonly quantities?: readonly number[] | null
  /** Units reserved of each item. */
  readonly granted?: readonly number[]
}

/** Commits at the instant 100; each look comes 25 ms after the one before it. */
async function commit({ outcome, looks, quantities = [5], granted = [9] }: Said) {
  let look = 0
  const holds = {
    commit: async () => (outcome === 'unknown' ? { outcome } : { outcome, granted }),
    counted: async () => {
      const [counted, asOf] = looks[Math.min(look, looks.length - 1)] ?? [false, 0]
      return { counted: [counted].flat(), asOf, now: 100 + 25 * look }
    },
  }
  const pause = async (): Promise<void> => {
    look += 1
  }
  const deps = { holds, pause, sink: { requireReachable: () => undefined } } as unknown as Deps
  return commitReservation(deps, { workspace: 'acme', operation: 'r', quantities })
}

const counted = { quantities: [5], eventIds: ['c~r~0'], replayed: true }

test.for(['expired', 'unknown'] as const)(
  'G9: a commit whose event is counted is answered again, though its hold is %s',
  async (outcome) => {
    expect(await commit({ outcome, looks: [[true, 90]] })).toEqual(counted)
    await expect(commit({ outcome, looks: [[false, 101]] })).rejects.toMatchObject({ code: 'expired' })
  },
)

test('G9: a commit whose own event settled the reservation, after Redis went back to before it, is answered again', async () => {
  const outcome = 'settled'
  expect(await commit({ outcome, looks: [[true, 90]] })).toEqual(counted)
  expect(
    await commit({
      outcome,
      looks: [
        [false, 99],
        [true, 99],
      ],
    }),
  ).toEqual(counted)
  expect(await commit({ outcome, quantities: null, granted: [5], looks: [[true, 90]] })).toEqual(counted)
  await expect(commit({ outcome, looks: [[false, 101]] })).rejects.toMatchObject({ code: 'already_resolved' })
})

test('G9: expired is said once everything is counted that was in the log, for Redis may have lost the event, too', async () => {
  const outcome = 'expired'
  const missed = [false, 99] as const
  expect(await commit({ outcome, looks: [missed, missed, [true, 120]] })).toEqual(counted)
  await expect(commit({ outcome, looks: [missed, missed, [false, 120]] })).rejects.toMatchObject({
    code: 'expired',
  })
  await expect(commit({ outcome, looks: [missed] })).rejects.toMatchObject({ code: 'unavailable' })
})

test('G9: of a commit that Redis lost no item is said to be counted whose event never came to the log', async () => {
  const outcome = 'expired'
  const half = [[true, false], 99] as const
  const quantities = [5, 2]
  const eventIds = ['c~r~0', 'c~r~1']
  const whole = { quantities, eventIds, replayed: true }
  expect(await commit({ outcome, quantities, looks: [half, [[true, true], 99]] })).toEqual(whole)
  const all = { quantities: null, granted: quantities, looks: [half, [[true, true], 99]] } as const
  expect(await commit({ outcome, ...all })).toEqual(whole)
  const lost = { quantities: null, looks: [half, [[true, true], 120]] } as const
  expect(await commit({ outcome: 'unknown', ...lost })).toEqual({ ...whole, quantities: [] })
  expect(await commit({ outcome, quantities, looks: [half, [[true, false], 120]] })).toEqual({
    quantities: [5, 0],
    eventIds: ['c~r~0'],
    replayed: true,
  })
  expect(await commit({ outcome, quantities: [5, 0], looks: [half] })).toMatchObject({ eventIds: ['c~r~0'] })
})
