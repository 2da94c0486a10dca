import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashOf, placeOf } from './place.js'

test('ops page: an address leads back to where it was made', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/)
  fc.assert(
    fc.property(id, fc.string({ minLength: 1 }), (workspace, search) => {
      const place = { view: 'workspace', id: workspace, query: { search } }
      expect(placeOf(hashOf(place))).toEqual(place)
    }),
  )
})

test('ops page: what leads nowhere shows the limits', () => {
  const limits = { view: 'limits', id: '', query: {} }
  for (const hash of ['', '#', '#/', '#/nowhere', '#/workspace', '#/workspace/%E0%A4%A', '#/constructor'])
    expect(placeOf(hash), hash).toEqual(limits)
})

test('ops page: filters that are not set leave the address as it is', () => {
  expect(hashOf({ view: 'limits', query: { feature: '', search: undefined, atLeast: '80' } })).toBe(
    '#/limits?atLeast=80',
  )
})
