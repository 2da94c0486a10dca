import { expect, test } from 'vitest'
import { partitionerOf } from './partitioner.ts'

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
