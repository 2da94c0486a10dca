import { expect, test } from 'vitest'
import { nameRevision } from './name-revision.ts'

/** What became of naming revision 7 where some of it fails. */
async function named(fails: { readonly refresh?: boolean; readonly raise?: boolean }) {
  const seen: string[] = []
  const step = (name: string, isFailing = false) => {
    return async (): Promise<void> => {
      if (isFailing) throw new Error(`${name} failed`)
      seen.push(name)
    }
  }
  const warnings: unknown[] = []
  await nameRevision(
    {
      refresh: step('refresh', fails.refresh),
      raise: step('raise', fails.raise),
      forgetAll: () => seen.push('forget'),
    },
    7,
    { warn: (given: unknown) => warnings.push(given) },
  )
  return { seen, warnings: warnings.length }
}

test('a revision that was stored is answered so, though MongoDB does not tell it again or Redis is away', async () => {
  expect(await named({})).toEqual({ seen: ['refresh', 'raise', 'forget'], warnings: 0 })
  expect(await named({ refresh: true })).toEqual({ seen: ['raise', 'forget'], warnings: 1 })
  expect(await named({ raise: true })).toEqual({ seen: ['refresh', 'forget'], warnings: 1 })
})
