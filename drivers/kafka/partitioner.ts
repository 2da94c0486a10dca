import kafkajs from 'kafkajs'

const REMEMBERED_MAX = 200_000

/** The partition that a key's records go to: murmur2, as Java's own producer and kafkajs choose it. */
export function partitionerOf(partitions: number): (key: string) => number {
  const choose = kafkajs.Partitioners.DefaultPartitioner()
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 1,
    replicas: [1],
    isr: [1],
  }))
  const remembered = new Map<string, number>()
  return (key) => {
    const known = remembered.get(key)
    if (known !== undefined) return known
    const partition = choose({
      topic: '',
      partitionMetadata,
      message: { key: Buffer.from(key), value: null },
    })
    if (remembered.size >= REMEMBERED_MAX) remembered.clear()
    remembered.set(key, partition)
    return partition
  }
}
