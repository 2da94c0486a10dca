import { expect, onTestFinished, test } from 'vitest'
import { appWith, contextWith } from '#test/helpers/app.ts'
import { defaultCatalogue, START } from '#test/helpers/facts.ts'

const NOW = START + 1_000
const known = defaultCatalogue()

/** The next revision, whose credits have a weight for one more function. */
function withFunction(name: string): typeof known {
  const { ai_credits: definitions = [] } = known.meters
  const weighted = definitions.map((one) => ({ ...one, weights: { ...one.weights, [name]: 3 } }))
  return {
    ...known,
    revision: known.revision + 1,
    meters: { ...known.meters, ai_credits: weighted },
  } as never
}

/** What an API that knows the revision of before answers, and what it wrote. */
async function send(newest: typeof known, fn: string) {
  let remembered = known
  const written: unknown[] = []
  const app = await appWith({
    now: NOW,
    check: {
      ...contextWith({ now: NOW }).check,
      catalogue: {
        remembered: () => remembered,
        load: async () => {
          remembered = newest
          return newest
        },
      },
    },
    usage: {
      encode: (_record, value) => ({
        topic: 'usage.events',
        key: 'acme',
        value: Buffer.from(JSON.stringify(value)),
      }),
      send: async (records) => void written.push(...records),
      produce: async () => undefined,
      requireReachable: () => undefined,
    },
  })
  onTestFinished(() => app.close())
  const event = { record: 'AiCallEvent', id: 'call-1', workspace: 'acme', source: 'ai', function: fn }
  const answer = await app.inject({
    method: 'POST',
    url: '/v1/events',
    headers: { authorization: 'Bearer key' },
    payload: { events: [{ ...event, occurredAt: new Date(NOW).toISOString() }] },
  })
  return { body: answer.json(), written: written.length }
}

test('use of a function that a newer catalogue weighs is taken, as the consumers count it', async () => {
  expect(await send(withFunction('translate'), 'translate')).toMatchObject({
    body: { accepted: 1, refused: 0 },
    written: 1,
  })
})

test('use of a function that no catalogue weighs is refused, as the consumers set it aside', async () => {
  expect(await send(known, 'translate')).toMatchObject({
    body: { accepted: 0, results: [{ id: 'call-1', accepted: false, code: 'unknown_function' }] },
    written: 0,
  })
})
