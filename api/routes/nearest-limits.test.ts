import { afterAll, expect, test } from 'vitest'
import { appWith, getFrom } from '#test/helpers/app.ts'
import { checkOfSeen } from '#test/helpers/counted-world.ts'
import { defaultCatalogue, START } from '#test/helpers/facts.ts'

/** A page and more of workspaces that imported ten thousand times what their override allows. */
const listed = Array.from({ length: 60 }, (_, index) => {
  return { workspace: `w-${index}`, feature: 'leads', place: 1_000_060.25 - index }
})

const app = await appWith({
  now: START,
  check: checkOfSeen([], { now: START, catalogue: defaultCatalogue() }),
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
