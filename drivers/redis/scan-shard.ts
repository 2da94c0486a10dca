import type { Redis } from './connection.ts'
import type { ShardKeys } from './keys.ts'
import { defineScript, listOf } from './script.ts'

const LOOKED_AT = 1_000
const BEGIN = '0'

interface Step {
  readonly run: string
  readonly cursor: string
  readonly found: readonly string[]
}

/** `lua/scan-shard.lua`: the next keys of the node that serves a shard. */
const scanStep = defineScript({
  file: 'scan-shard.lua',
  keys: ({ keys }: { keys: ShardKeys; cursor: string; pattern: string }) => [keys.meta],
  args: ({ cursor, pattern }) => [cursor, pattern, LOOKED_AT],
  reply: (raw): Step => {
    const [run = '', cursor = BEGIN, ...found] = listOf(raw, 'scan-shard.lua').map(String)
    return { run, cursor, found }
  },
})

/**
 * The keys of a shard that begin with a prefix, some at a time and some twice; those that come meanwhile may be missing.
 *
 * Begins again when the shard was taken over by another server, or its own started anew: a cursor of the one before
 * would pass keys over.
 */
export async function* scanShard(
  redis: Redis,
  keys: ShardKeys,
  prefix = keys.prefix,
): AsyncGenerator<readonly string[], void, undefined> {
  let before: Step | null = null
  do {
    const step: Step = await scanStep(redis, { keys, cursor: before?.cursor ?? BEGIN, pattern: `${prefix}*` })
    const isOther: boolean = before !== null && step.run !== before.run
    before = isOther ? null : step
    if (!isOther && step.found.length > 0) yield step.found
  } while (before?.cursor !== BEGIN)
}
