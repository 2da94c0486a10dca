import type { Db } from 'mongodb'
import { expect, test } from 'vitest'
import type { Notice } from '#core/notices/notice.ts'
import { NOTICE_CURSOR, NoticeLog } from './notice-log.ts'

test('the place of every notice is one that a cursor may name', async () => {
  const places: string[] = []
  const collection = { insertOne: async ({ place }: { readonly place: string }) => places.push(place) }
  const log = new NoticeLog({ collection: () => collection } as unknown as Db)
  const workspace = 'a.b:c_d-e'.repeat(7).slice(0, 64)
  const endings = ['leads/1', 'leads/123456', 'lapsed/1781000000000', 'restored/1781000000000/12']
  for (const ending of endings) {
    const notice = { id: `${workspace}/${ending}`, workspace, occurredAt: 1_781_000_000_000 } as Notice
    await log.add({ ...notice, publishedAt: 0 })
  }
  expect(places).toHaveLength(endings.length)
  for (const place of places) expect(place).toMatch(new RegExp(NOTICE_CURSOR))
})
