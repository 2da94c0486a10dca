import { expect, test } from 'vitest'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { dedupeHasher, type EventIdentity } from './dedupe-id.ts'

const hasher = dedupeHasher('k'.repeat(64))
const identity = (workspace: string, source: string, id: string): EventIdentity => ({ workspace, source, id })

test('an identity is a signed number of 64 bits and a sub-shard of 256', () => {
  const seen = Array.from({ length: 2_000 }, (_, index) => hasher(identity('acme', 'crm', `e${index}`)))
  for (const { member, subShard } of seen) {
    expect(member).toBe(String(BigInt.asIntN(64, BigInt(member))))
    expect(subShard).toBeGreaterThanOrEqual(0)
    expect(subShard).toBeLessThan(256)
  }
  expect(new Set(seen.map(({ member }) => member)).size).toBe(seen.length)
  expect(new Set(seen.map(({ subShard }) => subShard)).size).toBe(32)
  expect(seen.some(({ member }) => member.startsWith('-'))).toBe(true)
})

test('ids of the workspaces of one partition share 32 sets, those of all partitions 256', () => {
  const partitionOf = partitionerOf(16)
  const workspaces = Array.from({ length: 4_000 }, (_, index) => `w${index}`)
  const byPartition = Map.groupBy(workspaces, partitionOf)
  const setsOf = (names: readonly string[]): Set<number> =>
    new Set(names.map((name) => hasher(identity(name, 'crm', 'e')).subShard))
  expect([...byPartition.values()].map((names) => setsOf(names).size)).toEqual(Array(16).fill(32))
  expect(setsOf(workspaces).size).toBe(256)
})

test('where one part ends and the next begins is part of an identity', () => {
  const same = hasher(identity('ab', 'c', 'd'))
  expect(hasher(identity('ab', 'c', 'd'))).toEqual(same)
  for (const other of [identity('a', 'bc', 'd'), identity('ab', 'cd', ''), identity('', 'abc', 'd')]) {
    expect(hasher(other).member).not.toBe(same.member)
  }
})

test('a short identity after a long one is what it is alone', () => {
  const alone = dedupeHasher('k'.repeat(64))(identity('a', 'b', 'c'))
  hasher(identity('w'.repeat(64), 's'.repeat(64), 'i'.repeat(256)))
  expect(hasher(identity('a', 'b', 'c'))).toEqual(alone)
})

test('another secret gives another number', () => {
  const other = dedupeHasher('o'.repeat(64))
  expect(other(identity('acme', 'crm', 'e1')).member).not.toBe(hasher(identity('acme', 'crm', 'e1')).member)
})

test('what is not ASCII, or too long, is refused', () => {
  expect(() => hasher(identity('acmé', 'crm', 'e1'))).toThrow(RangeError)
  expect(() => hasher(identity('acme', 'crm', 'e'.repeat(2_000)))).toThrow(RangeError)
})
