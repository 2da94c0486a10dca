import { fnv1a } from './redis/keys.ts'

/** What part of its time something may be read again sooner. */
const SHARE = 0.25
/** 2^32 over the golden ratio: brings the low bits of a hash, which differ most, to its high ones. */
const GOLDEN = 0x9e3779b1

/**
 * How long what is known of a workspace is kept, ms: at most so long, and up to a quarter less, always the same for a workspace.
 *
 * What was read of many at once, after a start or a failover, is not read again at once for ever: that would stop a process for
 * as long as it takes, each time.
 */
export function spread(workspace: string, forMs: number): number {
  const place = Math.imul(fnv1a(workspace), GOLDEN) >>> 0
  return forMs * (1 - (SHARE * place) / 2 ** 32)
}
