import { expect, test } from 'vitest'
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
])('%j is refused', ([line, fault]) => {
  expect(faultOf(line)).toMatch(fault)
})

test('without a time of its own or of the run a line is refused', () => {
  const records = importReader({ ...context, takenAt: null })('{"workspace":"acme","levels":{"leads":1}}')
  expect(records).toEqual({ fault: 'takenAt must be a time such as 2026-06-01T12:00:00Z' })
})
