import { expect, test } from 'vitest'
import { groupItems, groupRuns } from './group-items.ts'

test('items stand group by group, in the order in which they came', () => {
  expect(groupItems(['a', 'b', 'c', 'd', 'e'], [1, 0, 1, 2, 0], [2, 2, 1])).toEqual(['b', 'e', 'a', 'c', 'd'])
  expect(groupItems([], [], [])).toEqual([])
})

test('runs stay together, also empty ones', () => {
  const runs = { items: [1, 2, 3, 4, 5, 6], ends: [2, 3, 3, 6], groups: [1, 0, 0, 1] }
  expect(groupRuns(runs, [1, 5])).toEqual([3, 1, 2, 4, 5, 6])
})
