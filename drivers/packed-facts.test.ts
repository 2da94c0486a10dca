import { expect, test } from 'vitest'
import type { WorkspaceFacts } from '#core/entitlement/facts.ts'
import { subscriptionWith } from '#test/helpers/facts.ts'
import { packFacts, unpackFacts } from './packed-facts.ts'

const facts: WorkspaceFacts = {
  revision: '3.1.2',
  subscription: subscriptionWith({
    subscriptionId: 'sub_1NXhqYAbCdEf12',
    plan: 'pro',
    seats: 37,
    country: 'FR',
  }),
  overrides: { leads: { limit: null, until: null, reason: 'a pilot – née «pilote»' } as never },
  crossings: { leads: { since: 1_795_000_000_123 } },
}

test('packed facts: what is unpacked is what was packed', () => {
  const kept = { facts, readAt: 1_795_878_398_985 }
  expect(unpackFacts(packFacts(kept))).toEqual(kept)
  const none = { facts: { ...facts, subscription: null, overrides: {} }, readAt: 1 }
  expect(unpackFacts(packFacts(none))).toEqual(none)
})

test('packed facts: a plain subscription takes no more than 112 bytes of Redis with its length', () => {
  const plain = { ...facts, revision: '1.0.0', overrides: {}, crossings: {} }
  expect(packFacts({ facts: plain, readAt: 1_795_878_398_985 }).length).toBeLessThanOrEqual(108)
})

test('packed facts: what was packed stays readable, whatever is packed later', () => {
  const before =
    'AcMen8Z6hnpGxManoV9ERmGkY5JzimuaoRG+2AWlLbTItTA0sDBCi1xjc9TYNcOIXBRdqJFrZmFpbIQlcg3IjF23IKrHLorryYldpZzUxBQIA1KiQHRCSxMIB17GJCoUZObklyg8apiskHd4ZarCodVggdRDu5Vq0dIJwuBieO4zhbjU0Mi4Fi0ZmVqYWxhbWlhamNYCAA=='
  expect(unpackFacts(Buffer.from(before, 'base64'))).toEqual({ facts, readAt: 1_795_878_398_985 })
})

test('packed facts: bytes of another kind, or torn ones, are nothing', () => {
  const packed = packFacts({ facts, readAt: 1 })
  expect(unpackFacts(Buffer.from('{"facts":{},"readAt":1}'))).toBeNull()
  expect(unpackFacts(packed.subarray(0, 40))).toBeNull()
  expect(unpackFacts(Buffer.alloc(0))).toBeNull()
})
