import { expect, test } from 'vitest'
import { commitReservation } from './reserve.ts'

type Deps = Parameters<typeof commitReservation>[0]

/** Redis: what it says of a reservation, and of its event at each look: whether it is counted, and as of when. */
interface Said {
  readonly outcome: 'expired' | 'unknown'
  readonly looks: readonly (readonly [isCounted: boolean, asOf: number])[]
}

/** Commits at the instant 100; each look comes 25 ms after the one before it. */
async function commit({ outcome, looks }: Said) {
  let look = 0
  const holds = {
    commit: async () => ({ outcome }),
    counted: async () => {
      const [isCounted, asOf] = looks[Math.min(look, looks.length - 1)] ?? [false, 0]
      return { counted: [isCounted], asOf, now: 100 + 25 * look }
    },
  }
  const pause = async (): Promise<void> => {
    look += 1
  }
  const deps = { holds, pause, sink: { requireReachable: () => undefined } } as unknown as Deps
  return commitReservation(deps, { workspace: 'acme', operation: 'r', quantities: [5] })
}

const counted = { quantities: [5], eventIds: ['c~r~0'], replayed: true }

test.for(['expired', 'unknown'] as const)(
  'G9: a commit whose event is counted is answered again, though its hold is %s',
  async (outcome) => {
    expect(await commit({ outcome, looks: [[true, 90]] })).toEqual(counted)
    await expect(commit({ outcome, looks: [[false, 101]] })).rejects.toMatchObject({ code: 'expired' })
  },
)

test('G9: expired is said once everything is counted that was in the log, for Redis may have lost the event, too', async () => {
  const outcome = 'expired'
  const missed = [false, 99] as const
  expect(await commit({ outcome, looks: [missed, missed, [true, 120]] })).toEqual(counted)
  await expect(commit({ outcome, looks: [missed, missed, [false, 120]] })).rejects.toMatchObject({
    code: 'expired',
  })
  await expect(commit({ outcome, looks: [missed] })).rejects.toMatchObject({ code: 'unavailable' })
})
