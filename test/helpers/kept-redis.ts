import type { System } from './system.ts'

/** A key of Redis as it was. */
export interface KeptKey {
  readonly name: string
  /** 0: it stays. */
  readonly ttlMs: number
  readonly dump: Buffer
}

/** Every key of a small Redis. */
export async function keepRedis({ redis }: System): Promise<readonly KeptKey[]> {
  const names = await redis.keys('*')
  const keep = async (name: string): Promise<KeptKey> => {
    const [dump, ttlMs] = await Promise.all([redis.dumpBuffer(name), redis.pttl(name)])
    return { name, ttlMs: Math.max(ttlMs, 0), dump: dump ?? Buffer.alloc(0) }
  }
  const kept = await Promise.all(names.map(keep))
  return kept.filter(({ dump }) => dump.length > 0)
}

/** Sets Redis back to what was kept. */
export async function setBackRedis({ redis }: System, kept: readonly KeptKey[]): Promise<void> {
  await redis.flushall()
  await Promise.all(kept.map(({ name, ttlMs, dump }) => redis.restore(name, ttlMs, dump)))
}
