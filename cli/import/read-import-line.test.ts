import { expect, test } from 'vitest'
import { Decoder } from '#schemas/decoder.ts'
import { encoderOf } from '#schemas/encoder.ts'
import { schemaText } from '#schemas/records.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import type { ReadLine } from '../send-records.ts'
import { importReader } from './read-import-line.ts'

const NOW = Date.parse('2026-06-10T12:00:00Z')
const TAKEN = '2026-06-10T08:00:00Z'
const context = { catalogue: defaultCatalogue(), source: 'crm', takenAt: Date.parse(TAKEN), now: NOW }
const read = importReader(context)

function recordsOf(line: object): Exclude<ReadLine, { fault: string }> {
  const records = read(JSON.stringify(line))
  if ('fault' in records) throw new Error(records.fault)
  return records
}

function faultOf(line: unknown): string {
  const records = read(typeof line === 'string' ? line : JSON.stringify(line))
  return 'fault' in records ? records.fault : 'none'
}

test('a line: its levels and members are one snapshot, its use a record for each day', () => {
  const records = recordsOf({
    workspace: 'acme',
    levels: { leads: 12 },
    members: { whatsapp_numbers: ['+15550001'] },
    used: { ai_credits: { '2026-06-09': 30, '2026-06-10': 5 } },
  })
  expect(records.map(({ record }) => record)).toEqual(['UsageSnapshotEvent', 'MeterEvent', 'MeterEvent'])
  expect(records[0]?.value).toMatchObject({
    workspace: 'acme',
    source: 'crm',
    occurredAt: Date.parse(TAKEN),
    levels: { leads: 12 },
    members: { whatsapp_numbers: [{ subject: '+15550001', since: Date.parse(TAKEN) }] },
  })
  expect(records[1]).toMatchObject({
    value: { id: 'import-ai_credits-2026-06-09', occurredAt: Date.parse('2026-06-09T23:59:59.999Z') },
    headers: { 'tallygate-append-time': String(Date.parse('2026-06-09T23:59:59.999Z')) },
  })
  expect(records[2]?.value).toMatchObject({ occurredAt: Date.parse(TAKEN), quantity: 5 })
})

test('ids: the same counts have the same id whatever their order, other counts or another time another', () => {
  const idOf = (line: object): unknown => Object(recordsOf({ workspace: 'acme', ...line })[0]?.value).id
  const id = idOf({ levels: { leads: 1, contacts: 2 } })
  expect(idOf({ levels: { contacts: 2, leads: 1 } })).toBe(id)
  expect(idOf({ levels: { leads: 2, contacts: 2 } })).not.toBe(id)
  expect(idOf({ levels: { leads: 1, contacts: 2 }, takenAt: '2026-06-10T08:00:01Z' })).not.toBe(id)
})

test('ids: counts that an earlier version imported have the id that they had then', () => {
  const [record] = recordsOf({
    workspace: 'acme',
    levels: { leads: 12 },
    members: { whatsapp_numbers: ['+15550001'] },
  })
  expect(record?.value).toHaveProperty('id', 'import-2051475f5cedae0a30dfbf8c535d2399')
})

const named = (count: number, width: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => String(index).padStart(width, 'x'))

/** What the consumers say of the records of a line. */
async function readByConsumers(records: ReturnType<typeof recordsOf>): Promise<readonly string[]> {
  const fetchSchema = async (): Promise<string> => schemaText('UsageSnapshotEvent')
  const decoder = new Decoder({ records: ['UsageSnapshotEvent'], fetchSchema, now: () => 0 })
  const values = records.map(({ value }) => encoderOf('UsageSnapshotEvent', 7)(value))
  await decoder.prepare(values)
  return values.map((value) => decoder.decode(value)).map((read) => (read.ok ? 'read' : read.code))
}

test('counts that are too large for one record are one for the levels and one for each meter, under ids of their own', async () => {
  const members = { whatsapp_numbers: named(8_000, 36), instagram_accounts: named(8_000, 36) }
  const line = { workspace: 'acme', levels: { leads: 12 }, members }
  const records = recordsOf(line)
  expect(await readByConsumers(records)).toEqual(['read', 'read', 'read'])
  const stated = records.map(({ value }) => Object(value))
  expect(stated.map(({ levels }) => levels)).toEqual([{ leads: 12 }, {}, {}])
  expect(stated.map((value) => Object.keys(value.members))).toEqual([
    [],
    ['instagram_accounts'],
    ['whatsapp_numbers'],
  ])
  expect(new Set(stated.map(({ id }) => id)).size).toBe(3)
  expect(recordsOf(line)).toEqual(records)
})

test('ten thousand members of 45 characters fit; of 64 they are refused, with the workspace, the meter and a way out', async () => {
  const line = (width: number): object => {
    return { workspace: 'acme', members: { whatsapp_numbers: named(10_000, width) } }
  }
  expect(await readByConsumers(recordsOf(line(45)))).toEqual(['read'])
  expect(recordsOf({ workspace: 'acme', members: { whatsapp_numbers: named(3_800, 128) } })).toHaveLength(1)
  expect(faultOf(line(64))).toMatch(
    /^too_large: its record has \d{6} bytes; at most 524288 are read; of acme state fewer members of whatsapp_numbers, /,
  )
  expect(faultOf({ ...line(64), levels: { leads: 1 }, used: { ai_credits: { '2026-06-09': 1 } } })).toMatch(
    /^too_large/,
  )
})

test('counts taken weeks ago are late for nothing; use of 60 days ago goes to its own day', () => {
  const long = { workspace: 'acme', levels: { leads: 1 }, takenAt: '2026-03-01T00:00:00Z' }
  expect(recordsOf(long)[0]?.headers).toEqual({
    'tallygate-append-time': String(Date.parse('2026-03-01T00:00:00Z')),
  })
  expect(recordsOf({ workspace: 'acme', used: { ai_credits: { '2026-04-11': 1 } } })).toHaveLength(1)
})

test.for<readonly [unknown, RegExp]>([
  ['[1]', /not a JSON object/],
  ['{', /not a JSON object/],
  [{ workspace: 'acme' }, /holds no counts/],
  [{ workspace: 'acme', counts: {} }, /"counts" is none of workspace, takenAt/],
  [{ workspace: 'has space', levels: { leads: 1 } }, /invalid_field: workspace must be/],
  [{ levels: { leads: 1 } }, /invalid_field: workspace must be/],
  [{ workspace: 'acme', levels: { unicorns: 1 } }, /unknown_meter: .*"unicorns"/],
  [{ workspace: 'acme', levels: { leads: -1 } }, /quantity_out_of_range: levels.leads/],
  [{ workspace: 'acme', levels: { leads: '7' } }, /quantity_out_of_range: levels.leads/],
  [{ workspace: 'acme', levels: { ai_credits: 7 } }, /invalid_field: ai_credits is a sum meter/],
  [{ workspace: 'acme', members: { whatsapp_numbers: [7] } }, /invalid_field: members.whatsapp_numbers/],
  [{ workspace: 'acme', used: { ai_credits: { lunch: 7 } } }, /names a day that is none/],
  [{ workspace: 'acme', used: { ai_credits: { '2026-02-30': 7 } } }, /names a day that is none/],
  [{ workspace: 'acme', used: { ai_credits: { '2026-06-11': 7 } } }, /or after takenAt/],
  [{ workspace: 'acme', used: { ai_credits: { '2026-06-09': 0.5 } } }, /quantity_out_of_range/],
  [{ workspace: 'acme', levels: { leads: 1 }, takenAt: '2026-06-10T12:06:00Z' }, /from_the_future/],
  [{ workspace: 'acme', levels: { leads: 1 }, takenAt: 'now' }, /takenAt must be a time/],
  [
    { workspace: 'acme', levels: { leads: 1 }, takenAt: '2026-02-31T00:00:00Z' },
    /must be a time that exists/,
  ],
])('%j is refused', ([line, fault]) => {
  expect(faultOf(line)).toMatch(fault)
})

test('without a time of its own or of the run a line is refused', () => {
  const records = importReader({ ...context, takenAt: null })('{"workspace":"acme","levels":{"leads":1}}')
  expect(records).toEqual({ fault: 'takenAt must be a time that exists, such as 2026-06-01T12:00:00Z' })
})
