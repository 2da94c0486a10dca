import kafkajs, { type ICustomPartitioner } from 'kafkajs'

const REMEMBERED_MAX = 200_000

/** kafkajs' own choice of a partition, which is remembered for each key: workspaces write again and again. */
export function rememberingPartitioner(): ReturnType<ICustomPartitioner> {
  const choose = kafkajs.Partitioners.DefaultPartitioner()
  const remembered = new Map<string, number>()
  return (input) => {
    const { message, partitionMetadata, topic } = input
    if (typeof message.key !== 'string') return choose(input)
    const name = `${topic} ${partitionMetadata.length} ${message.key}`
    const known = remembered.get(name)
    if (known !== undefined) return known
    const partition = choose(input)
    if (remembered.size >= REMEMBERED_MAX) remembered.clear()
    remembered.set(name, partition)
    return partition
  }
}

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
