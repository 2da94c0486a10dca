import type { Admin } from 'kafkajs'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Standing } from '#drivers/kafka/consumer-loop.ts'
import { watchProgress } from './watch-progress.ts'

/** Partitions that are opened anew, after as many looks at a log as there are standings. */
async function reopened(
  looks: readonly Omit<Standing, 'partition'>[],
  { low = 0, high }: { readonly low?: number; readonly high: number },
): Promise<readonly number[]> {
  const found: number[] = []
  const done = Promise.withResolvers<void>()
  let look = 0
  const watching = watchProgress({
    admin: Object({
      fetchTopicOffsets: async () => [{ partition: 2, low: String(low), high: String(high) }],
    }) as Admin,
    topic: 't',
    log: pino({ level: 'silent' }),
    standings: () => looks.slice(look, look + 1).map((own) => ({ partition: 2, ...own })),
    onProgress: () => {
      look += 1
      if (look === looks.length) done.resolve()
    },
    reopen: (partition) => found.push(partition),
    everyMs: 0,
  })
  await done.promise
  await watching.stop()
  return found
}

const at = (position: number | null, isBusy = false): Omit<Standing, 'partition'> => ({ position, isBusy })

test('a partition that stands where its log is not is opened anew, once that is seen twice', async () => {
  expect(await reopened([at(7), at(7)], { high: 3 })).toEqual([2])
  expect(await reopened([at(7), at(7)], { low: 9, high: 12 })).toEqual([2])
  expect(await reopened([at(7)], { high: 3 })).toEqual([])
})

test('one that stands in its log or at its end is not, nor one that moves, is busy or is not open', async () => {
  expect(await reopened([at(7), at(7)], { high: 7 })).toEqual([])
  expect(await reopened([at(0), at(0)], { high: 0 })).toEqual([])
  expect(await reopened([at(7), at(8)], { high: 3 })).toEqual([])
  expect(await reopened([at(7, true), at(7, true)], { low: 9, high: 12 })).toEqual([])
  expect(await reopened([at(null), at(null)], { high: 3 })).toEqual([])
})
