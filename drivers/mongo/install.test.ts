import type { Db } from 'mongodb'
import { expect, test } from 'vitest'
import { ensureInstall, installWish } from './install.ts'

function databaseWith(installed: object): Db {
  const stub = {
    collection: () => ({ findOne: async () => ({ _id: 'install', dedupeKey: 'k', ...installed }) }),
  }
  return stub as unknown as Db
}

test('an install that says what this build wants is taken with its secret', async () => {
  expect(await ensureInstall(databaseWith(installWish), installWish)).toEqual({
    ...installWish,
    dedupeKey: 'k',
  })
})

test('the number of shards stays what was installed', async () => {
  const { shards } = await ensureInstall(databaseWith({ ...installWish, shards: 64 }), installWish)
  expect(shards).toBe(64)
})

test('ids that were hashed otherwise are refused: copies would count twice', async () => {
  const { dedupeHash: _, ...before } = installWish
  await expect(ensureInstall(databaseWith(before), installWish)).rejects.toThrow(
    'dedupeHash was installed as undefined, not siphash24-128',
  )
})

test('ids that stand in other sets are refused, too', async () => {
  const { dedupeSets: _, ...before } = installWish
  await expect(ensureInstall(databaseWith(before), installWish)).rejects.toThrow(
    'dedupeSets was installed as undefined, not murmur2-8',
  )
})
