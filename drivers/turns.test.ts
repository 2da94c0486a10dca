import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

/** In which round of the loop each of some weights has its turn. */
async function roundsOf(turns: Turns, weights: readonly number[]): Promise<readonly number[]> {
  let round = 0
  let isOver = false
  const count = (): void => {
    round += 1
    if (!isOver) setImmediate(count)
  }
  const all = Promise.all(weights.map((weight) => turns.wait(weight).then(() => round)))
  setImmediate(count)
  const rounds = await all
  isOver = true
  return rounds
}

test('turns: as much as fits into a round of the loop together, the others in the rounds after it, in their order', async () => {
  const turns = new Turns(100)
  expect(await roundsOf(turns, [50, 50, 1, 100, 500, 20, 80])).toEqual([0, 0, 1, 2, 3, 4, 4])
  expect(await roundsOf(turns, [100, 1])).toEqual([0, 1])
})
