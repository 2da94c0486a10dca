import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { TurnBudget } from './turn-budget.ts'

/** Takes amounts all at once; which of them were let through by the end of each turn. */
async function turnsOf(budget: TurnBudget, amounts: readonly number[]): Promise<readonly number[][]> {
  const turns: number[][] = []
  let through: number[] = []
  let turn = nextTurn()
  const taken = amounts.map((amount) => budget.take(amount).then(() => void through.push(amount)))
  for (let left = amounts.length; left > 0; left -= turns.at(-1)?.length ?? 0) {
    await turn
    turn = nextTurn()
    turns.push(through)
    through = []
    if (turns.length > 2 * amounts.length) throw new Error('nobody is let through')
  }
  await Promise.all(taken)
  return turns
}

test('so much is done in a turn, and the rest in the turns after it, in the order it came', async () => {
  const turns = await turnsOf(new TurnBudget(10), [4, 5, 3, 9, 2, 1])
  expect(turns.flat()).toEqual([4, 5, 3, 9, 2, 1])
  expect(turns.filter((turn) => turn.length > 0)).toEqual([[4, 5, 3], [9, 2], [1]])
})

test('what is more than a turn holds goes alone, and a turn without work costs nothing', async () => {
  const budget = new TurnBudget(10)
  expect((await turnsOf(budget, [25, 1])).filter(({ length }) => length > 0)).toEqual([[25], [1]])
  for (let turn = 0; turn < 3; turn += 1) await nextTurn()
  expect(await turnsOf(budget, [9, 9])).toEqual([[9, 9]])
})
