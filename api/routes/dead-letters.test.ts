import { afterAll, expect, test } from 'vitest'
import { parseInstant } from '#core/instant.ts'
import { appWith, getFrom } from '#test/helpers/app.ts'
import { START } from '#test/helpers/facts.ts'

const preview = { found: 1, sentBefore: 0, cut: 0, statesCount: 0, wouldSend: 1 }
const app = await appWith({
  now: START,
  letters: {
    page: async () => ({ letters: [], cursor: null }),
    one: async () => null,
    overview: async () => ({
      summary: [],
      redrives: [{ topic: 'usage.events', ...preview }],
      isWhole: true,
    }),
  },
})
afterAll(() => app.close())

test.for(['2026-01-01%2000:00:00Z', '2026-01-01%0A00:00:00Z', '2026-01-01T01:00:00%2B01:00'])(
  'the command of a preview can be pasted, however the time was written: %s',
  async (from) => {
    const { body } = await getFrom(app, `/v1/dead-letters?code=too_late&from=${from}`)
    expect(body['redrives']).toMatchObject([
      {
        command: 'npx tallygate redrive --code too_late --from 2026-01-01T00:00:00.000Z --topic usage.events',
      },
    ])
  },
)

test('the command of a preview states times that it takes, also where an offset moves one past the year 9999', async () => {
  const { body } = await getFrom(app, '/v1/dead-letters?to=9999-12-31T23:59:59-23:59')
  const [{ command }] = body['redrives'] as [{ readonly command: string }]
  const [, to = ''] = /--to (\S+)/.exec(command) ?? []
  expect(parseInstant(to)).toBe(Date.parse('9999-12-31T23:59:59.999Z'))
})
