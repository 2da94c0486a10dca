import type { Collection, Document } from 'mongodb'
import { HOUR_MS } from '#core/instant.ts'

/** How often old documents are taken away where MongoDB does not do it by itself. */
const EVERY_MS = HOUR_MS

/**
 * Bounds a collection whose documents say in `expiresAt` until when they are kept.
 *
 * MongoDB takes them away by itself where it can be told to; the stand-in for development cannot, there we do it, now
 * and every hour while this process lives. Never throws: what was not taken away is in the next hour.
 */
export async function expireOld<Kept extends Document & { readonly expiresAt: Date }>(
  collection: Pick<Collection<Kept>, 'createIndex' | 'deleteMany'>,
  now: () => number,
): Promise<'by MongoDB' | 'by us'> {
  const isTold = await collection.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 }).then(
    () => true,
    () => false,
  )
  if (isTold) return 'by MongoDB'
  const takeAway = async (): Promise<void> => {
    const past = { expiresAt: { $lt: new Date(now()) } } as Parameters<typeof collection.deleteMany>[0]
    await collection.deleteMany(past).catch(() => undefined)
  }
  setInterval(() => void takeAway(), EVERY_MS).unref()
  await takeAway()
  return 'by us'
}
