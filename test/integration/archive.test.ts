import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { archiveDays, archivedThrough, archivedThroughLapse } from '#consumers/snapshots/archive-days.ts'
import { DAY_MS, dayOf } from '#core/instant.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { readRow } from '#drivers/redis/snapshot-scripts.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { MemoryPages } from '#test/simulator/memory-stores.ts'

const NOW = Date.UTC(2027, 5, 1)
const ago = (days: number): string => dayOf(NOW - days * DAY_MS)

test('S16: days of a window that a lapse left standing stay among the counters, for 400 days after it', async ({
  onTestFinished,
}) => {
  const redis = new Redis(engineAddresses().redis)
  onTestFinished(() => redis.disconnect())
  const keys = shardKeys(0, randomUUID())
  const fields = {
    [`credits:${ago(60)}`]: '700',
    [`credits:${ago(60)}:b`]: '1|5',
    [`credits:${ago(450)}`]: '3',
    [`minutes:${ago(60)}`]: '9',
    [`leads:${ago(60)}:l`]: '2',
  }
  await redis.hset(keys.meta, 'inc', '1')
  await redis.hset(keys.usage('acme'), { ...fields, leads: '2' })
  const row = await readRow(redis, { keys, workspace: 'acme', meters: [], incarnation: '1', base: {} })
  if (row === null) throw new Error('no row')
  const days = new MemoryPages()
  await archiveDays(
    { redis, days, nonce: () => 'n' },
    {
      keys,
      incarnation: '1',
      row,
      through: archivedThrough(NOW),
      lasting: { meters: ['credits'], through: archivedThroughLapse(NOW) },
    },
  )
  const { z: page = '', ...kept } = await redis.hgetall(keys.usage('acme'))
  expect(kept).toEqual({ leads: '2', [`credits:${ago(60)}`]: '700', [`credits:${ago(60)}:b`]: '1|5' })
  expect((await days.page(page)).figures).toEqual({
    [`credits:${ago(450)}`]: 3,
    [`minutes:${ago(60)}`]: 9,
    [`leads:${ago(60)}:l`]: 2,
  })
})
