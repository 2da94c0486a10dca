import { expect, test } from 'vitest'
import { RememberedKeys } from './remembered-keys.ts'

interface Entry {
  readonly secret: string | null
}

const keys = (): RememberedKeys<Entry> => new RememberedKeys(({ secret }) => secret === null)

test('keys: 100,000 made-up ids forget no key that exists', () => {
  const remembered = keys()
  for (let n = 0; n < 5_000; n += 1) remembered.set(`real-${n}`, { secret: 's' })
  for (let n = 0; n < 100_000; n += 1) remembered.set(`made-up-${n}`, { secret: null })
  const known = Array.from({ length: 5_000 }, (_, n) => remembered.get(`real-${n}`))
  expect(known.filter((entry) => entry === undefined)).toEqual([])
  expect([remembered.get('made-up-0'), remembered.get('made-up-99999')]).toEqual([
    undefined,
    { secret: null },
  ])
})

test('keys: beyond ten thousand that exist the one read longest ago goes', () => {
  const remembered = keys()
  for (let n = 0; n < 10_000; n += 1) remembered.set(`real-${n}`, { secret: 's' })
  remembered.set('real-0', { secret: 'again' })
  remembered.set('one-more', { secret: 's' })
  expect(['real-0', 'real-1', 'one-more'].map((id) => remembered.get(id)?.secret)).toEqual([
    'again',
    undefined,
    's',
  ])
})

test('keys: an id that was absent and is made is known as made, and the other way round', () => {
  const remembered = keys()
  remembered.set('id', { secret: null })
  remembered.set('id', { secret: 's' })
  expect(remembered.get('id')).toEqual({ secret: 's' })
  remembered.set('id', { secret: null })
  expect(remembered.get('id')).toEqual({ secret: null })
  remembered.delete('id')
  expect(remembered.get('id')).toBeUndefined()
})
