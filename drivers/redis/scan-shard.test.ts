import type { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { shardKeys } from './keys.ts'
import { scanShard } from './scan-shard.ts'

type Reply = readonly [run: string, cursor: string, ...keys: string[]]

/** A Redis that answers steps in turn, and the cursors it was asked with. */
function answering(...replies: readonly Reply[]): { readonly redis: Redis; readonly cursors: string[] } {
  const cursors: string[] = []
  const evalsha = async (_sha: string, _count: number, _key: string, cursor: string): Promise<Reply> => {
    const reply = replies[cursors.length]
    if (reply === undefined) throw new Error('asked too often')
    cursors.push(cursor)
    return reply
  }
  return { redis: Object({ evalsha }) as Redis, cursors }
}

async function all(redis: Redis): Promise<readonly string[]> {
  const found: string[] = []
  for await (const keys of scanShard(redis, shardKeys(0))) found.push(...keys)
  return found
}

test('scanShard: goes on with the cursor until it is back at the start', async () => {
  const { redis, cursors } = answering(['r1', '7', 'a'], ['r1', '9'], ['r1', '0', 'b'])
  expect(await all(redis)).toEqual(['a', 'b'])
  expect(cursors).toEqual(['0', '7', '9'])
})

test('scanShard: a server that took over or started anew is asked from the start', async () => {
  const { redis, cursors } = answering(['r1', '7', 'a'], ['r2', '0', 'c'], ['r2', '3', 'b'], ['r2', '0', 'c'])
  expect(await all(redis)).toEqual(['a', 'b', 'c'])
  expect(cursors).toEqual(['0', '7', '0', '3'])
})
