import { expect, test } from 'vitest'
import { growthRows, type Round } from './growth-rows.ts'

const costs = (us: number) => ({ check: us, consume: 2 * us, apply: us / 2 })
/** The machine gets slower from round to round; any of many cost one and a half. */
const rounds = [10, 20, 40].map((us): Round => ({ few: costs(us), same: costs(us), any: costs(1.5 * us) }))
const bytes = (all: number) => ({ all, parts: 'facts 160' })

test('bench: growth is judged by the rounds of the largest size, each against the few of the same round', () => {
  const smaller = { count: 10_000, rounds: rounds.slice(0, 1), bytes: bytes(380) }
  const rows = growthRows({ count: 1_000, bytes: bytes(450) }, [
    smaller,
    { count: 100_000, rounds, bytes: bytes(346) },
  ])
  expect(rows.map(({ ratio, goal }) => [ratio, goal?.isMet])).toEqual([
    ...Array(3).fill([1, true]),
    ...Array(3).fill([1.5, false]),
    [null, true],
  ])
  expect(rows[3]).toMatchObject({
    path: 'check with 100,000 workspaces, any used',
    figure: '30.0 µs of cpu',
    limit: 'with 1,000 20.0 µs',
    curve: {
      picture: 'workspaces-any',
      points: [
        [1_000, 20],
        [10_000, 15],
        [100_000, 30],
      ],
    },
  })
  expect(rows.at(-1)?.curve?.points.map(([, all]) => all)).toEqual([450, 380, 346])
})
