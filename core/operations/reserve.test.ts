import { expect, test } from 'vitest'
import { commitReservation } from './reserve.ts'

type Deps = Parameters<typeof commitReservation>[0]

/** Commits what Redis says of a reservation, whose first event is counted or is not. */
function commit(outcome: 'expired' | 'unknown', isCounted: boolean) {
  const holds = { commit: async () => ({ outcome }), counted: async () => [isCounted] }
  const deps = { holds, sink: { requireReachable: () => undefined } } as unknown as Deps
  return commitReservation(deps, { workspace: 'acme', operation: 'r', quantities: [5] })
}

test.for(['expired', 'unknown'] as const)(
  'G9: a commit whose event is counted is answered again, though its hold is %s',
  async (outcome) => {
    expect(await commit(outcome, true)).toEqual({ quantities: [5], eventIds: ['c~r~0'], replayed: true })
    await expect(commit(outcome, false)).rejects.toMatchObject({ code: 'expired' })
  },
)
