import fc from 'fast-check'
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { partitionerOf, quickPartitioner } from './partitioner.ts'

/** Hashes that Kafka's own tests of its Java client state for murmur2 (org.apache.kafka.common.utils.UtilsTest). */
const hashes: Readonly<Record<string, number>> = {
  '21': -973932308,
  foobar: -790332482,
  'a-little-bit-long-string': -985981536,
  'a-little-bit-longer-string': -1486304829,
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  abc: 479470107,
}

test('a key goes to the partition that Java’s producer would choose', () => {
  for (const partitions of [4, 8, 13]) {
    const partitionOf = partitionerOf(partitions)
    for (const [key, hash] of Object.entries(hashes)) {
      expect(partitionOf(key), key).toBe((hash & 0x7fffffff) % partitions)
      expect(partitionOf(key), `${key} again`).toBe((hash & 0x7fffffff) % partitions)
    }
  }
})

const metadata = (count: number) =>
  Array.from({ length: count }, (_, partitionId) => {
    return { partitionErrorCode: 0, partitionId, leader: 1, replicas: [1], isr: [1] }
  })

test('any key goes to the partition that kafkajs would choose', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 70 }),
      fc.integer({ min: 1, max: 64 }),
      (key, count) => {
        const input = { topic: 't', partitionMetadata: metadata(count), message: { key, value: null } }
        const theirs = kafkajs.Partitioners.DefaultPartitioner()(input)
        expect([partitionerOf(count)(key), quickPartitioner()(input)]).toEqual([theirs, theirs])
      },
    ),
  )
})

test('a partition that a record names is the one it goes to, and bytes are a key like a text', () => {
  const to = (message: { key: string | Buffer; partition?: number }): number =>
    quickPartitioner()({ topic: 't', partitionMetadata: metadata(8), message: { ...message, value: null } })
  const own = partitionerOf(8)('acme')
  expect(to({ key: 'acme', partition: (own + 1) % 8 })).toBe((own + 1) % 8)
  expect(to({ key: Buffer.from('acme') })).toBe(own)
})
