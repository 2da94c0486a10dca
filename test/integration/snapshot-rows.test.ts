import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { ownAddresses } from '#test/helpers/own-system.ts'

const LETTERS = 128
const MEMBERS = 150_000

test('G6: a workspace with more members than one document of MongoDB takes is kept, and read back whole', async ({
  onTestFinished,
}) => {
  const mongo = await connectMongo(ownAddresses().mongo)
  onTestFinished(() => mongo.close())
  const snapshots = new SnapshotLog(mongo.db)
  const many = Array.from({ length: MEMBERS }, (_, index) => String(index).padStart(LETTERS, 'x'))
  const small = { fields: { leads: '1' }, members: { numbers: ['+1'] }, above: {} }
  const rows = [
    { workspace: 'acme', ...small },
    { workspace: 'bolt', fields: { leads: '2' }, members: { numbers: many, agents: ['a'] }, above: { 3: 7 } },
    { workspace: 'cord', ...small },
  ]
  const base = { incarnation: '1', nonce: randomUUID(), base: {}, at: {}, lowerBounds: [], full: false }
  const header = { ...base, round: 1 }
  expect(await snapshots.append(0, header, rows)).toBe(true)
  expect(await snapshots.rows(0, header)).toEqual(rows)
})
