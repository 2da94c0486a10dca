import kafkajs, { type ICustomPartitioner } from 'kafkajs'
import { partitionOfKey } from './key-partition.ts'

/** kafkajs' own choice of a partition, without the BigInts that it takes for each key. */
export function quickPartitioner(): ReturnType<ICustomPartitioner> {
  const choose = kafkajs.Partitioners.DefaultPartitioner()
  return (input) => {
    const { key, partition } = input.message
    if (typeof key !== 'string' || partition !== undefined) return choose(input)
    return partitionOfKey(key, input.partitionMetadata.length)
  }
}

/** The partition that a key's records go to, of so many. */
export function partitionerOf(partitions: number): (key: string) => number {
  return (key) => partitionOfKey(key, partitions)
}
