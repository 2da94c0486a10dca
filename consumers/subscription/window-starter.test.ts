import { expect, test } from 'vitest'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import { windowStarter } from './window-starter.ts'

const START = Date.parse('2026-11-23T12:00:00Z')

test('a window that starts splits the day of the meters that there were by then, not of one that begins later', async () => {
  const shipped = defaultCatalogue()
  const meters = { ...shipped.meters, exports: [{ aggregation: 'sum' as const, from: START + 1 }] }
  const features = {
    ...shipped.features,
    exports: { ...Object(shipped.features['ai_credits']), meters: ['exports'] },
  }
  const seen: unknown[] = []
  const start = windowStarter({
    producer: { send: async () => undefined },
    encode: (value) => {
      seen.push(Reflect.get(Object(value), 'meters'))
      return Buffer.alloc(0)
    },
    catalogue: () => ({ ...shipped, meters: Object(meters), features }),
  })
  for (const startsAt of [START, START + 1])
    await start({ workspace: 'acme', version: 1, startsAt, appendedAt: startsAt })
  expect(seen).toEqual([['ai_credits'], ['ai_credits', 'exports']])
})
