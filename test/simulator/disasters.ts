import type { Redis } from 'ioredis'
import { dayOf } from '#core/instant.ts'
import type { SliceEvent } from '#drivers/redis/apply.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'

/** Every key of a shard with its value, as Redis dumps them. */
export type Dump = readonly (readonly [string, Buffer])[]

/** Shards of a simulation. */
export const SHARDS = 2

const WIPE = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end"
const DUMP = `local all = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  all[#all + 1] = key
  all[#all + 1] = redis.call('DUMP', key)
end
return all`

/** Calls are made only to a shard that has a life. */
const TEAR = `if redis.call('HEXISTS', KEYS[1], 'inc') == 0 then return end
redis.call('HINCRBY', KEYS[1], 'half', 1)
for i = 1, #ARGV, 2 do redis.call('SADD', ARGV[i], ARGV[i + 1]) end`

/** What Redis holds of a shard at one instant. */
export async function dumpShard(redis: Redis, keys: ShardKeys): Promise<Dump> {
  const flat: unknown = await redis.callBuffer('EVAL', DUMP, '0', `${keys.prefix}*`)
  const parts = Array.isArray(flat) ? flat.filter((part) => Buffer.isBuffer(part)) : []
  return parts.flatMap((name, index) => {
    const value = parts[index + 1]
    return index % 2 === 0 && value !== undefined ? [[name.toString(), value] as const] : []
  })
}

/** Redis goes back: the shard is at one instant what it was when it was dumped. */
export async function setBack(redis: Redis, keys: ShardKeys, dump: Dump | null): Promise<void> {
  if (dump === null) return
  const transaction = redis.multi().eval(WIPE, 0, `${keys.prefix}*`)
  for (const [name, value] of dump) transaction.restore(name, 0, value)
  await transaction.exec()
}

/** Redis loses all of a shard at one instant. */
export async function wipe(redis: Redis, keys: ShardKeys): Promise<void> {
  await redis.eval(WIPE, 0, `${keys.prefix}*`)
}

/** Redis keeps the first half of a call that never ended: ids are known, and nothing was counted. */
export async function tearCall(redis: Redis, keys: ShardKeys, log: readonly SliceEvent[]): Promise<void> {
  const own = log
    .filter(({ workspace, isVoid }) => shardOf(workspace, SHARDS) === keys.shard && !isVoid)
    .slice(-3)
  const ids = own.flatMap(({ occurredAt, dedupe }) => [
    keys.dedupe(dayOf(occurredAt), dedupe.subShard),
    dedupe.member,
  ])
  await redis.eval(TEAR, 1, keys.meta, ...ids)
}
