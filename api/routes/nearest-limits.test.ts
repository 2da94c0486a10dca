import { afterAll, expect, test } from 'vitest'
import { AMOUNT_MAX } from '#core/amount.ts'
import { appWith, getFrom } from '#test/helpers/app.ts'
import { checkOfSeen } from '#test/helpers/counted-world.ts'
import { defaultCatalogue, START } from '#test/helpers/facts.ts'

const PAGE = 50
/** A product sent a count with all the digits there are, against a limit of one; others imported ten thousand times theirs. */
const listed = Array.from({ length: 60 }, (_, index) => {
  const place = index === 0 ? 100 * AMOUNT_MAX : 1_000_060.25 - index
  return { workspace: `w-${index}`, feature: 'leads', place }
})

const check = checkOfSeen([], { now: START, catalogue: defaultCatalogue() })
const looked: string[] = []
const app = await appWith({
  now: START,
  check: {
    ...check,
    counters: {
      read: (workspace, plan) => {
        looked.push(workspace)
        return check.counters.read(workspace, plan)
      },
    },
  },
  nearLimits: async ({ from, below, limit }) =>
    listed.filter(({ place }) => place >= from && place < below).slice(0, limit),
})
afterAll(() => app.close())

test('who is far above a limit can be read past: the cursor of a page is taken, however large its share', async () => {
  const { body } = await getFrom(app, '/v1/usage')
  expect(body['cursor']).toBe('1000011.25')
  expect(await getFrom(app, `/v1/usage?cursor=${body['cursor']}`)).toMatchObject({
    status: 200,
    body: { cursor: null },
  })
})

test('who is farthest above a limit is listed first, however far', async () => {
  looked.length = 0
  await getFrom(app, '/v1/usage')
  expect(looked).toEqual(listed.slice(0, PAGE).map(({ workspace }) => workspace))
})
