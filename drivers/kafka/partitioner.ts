import kafkajs, { type ICustomPartitioner } from 'kafkajs'
import { murmur2 } from './murmur2.ts'

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
  return (key) => (murmur2(key) & 0x7fffffff) % partitions
}
