import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Decoder } from './decoder.ts'
import { encoderOf } from './encoder.ts'
import { type RecordName, recordNames, schemaText, typeOfSchema } from './records.ts'
import { prefixOf } from './wire-format.ts'
import { hasZeroByteItems } from './zero-byte-items.ts'

const directory = new URL('./history/', import.meta.url)
const files = readdirSync(directory).sort()

function decoderOf(text: string | null): Decoder {
  return new Decoder({ records: recordNames, fetchSchema: async () => text, now: () => 0 })
}

test.for(files)('G14: %s, as it was registered, still decodes', async (file) => {
  const text = readFileSync(new URL(file, directory), 'utf8')
  const type = typeOfSchema(text)
  const decoder = decoderOf(text)
  for (let sample = 0; sample < 50; sample += 1) {
    const value = Buffer.concat([prefixOf(7), type.toBuffer(type.random())])
    await decoder.prepare([value])
    expect(decoder.decode(value)).toMatchObject({ ok: true, record: file.split('.')[0] })
  }
})

test.for([...recordNames])('%s: the schema in use is the newest of its history', (record) => {
  const versions = files.filter((file) => file.startsWith(`${record}.`)).length
  const newest = readFileSync(new URL(`${record}.${versions}.avsc`, directory), 'utf8')
  expect(JSON.parse(newest)).toEqual(JSON.parse(schemaText(record as RecordName)))
})

const lead = { id: 'e1', workspace: 'acme', occurredAt: 1, source: 'crm', leadId: 'l1', action: 'created' }

test('encoder: optional fields may be left out and come back with their defaults', async () => {
  const decoder = decoderOf(schemaText('LeadEvent'))
  const value = encoderOf('LeadEvent', 1)(lead)
  await decoder.prepare([value])
  expect(decoder.decode(value)).toMatchObject({
    ok: true,
    value: { ...lead, quantity: 1, reservation: null },
  })
})

test('encoder: a wrong field is named', () => {
  expect(() => encoderOf('LeadEvent', 1)({ ...lead, leadId: 4 })).toThrow(/leadId is 4, not "string"/)
  expect(() => encoderOf('LeadEvent', 1)({ ...lead, colour: 'red' })).toThrow(/colour is not a field/)
})

test('G14: a symbol that this version does not know reads as UNKNOWN', async () => {
  const newer = schemaText('LeadEvent').replace('"merged",', '"merged", "archived",')
  const value = Buffer.concat([
    prefixOf(1),
    typeOfSchema(newer).toBuffer({ ...lead, action: 'archived', quantity: 1, reservation: null }),
  ])
  const decoder = decoderOf(newer)
  await decoder.prepare([value])
  expect(decoder.decode(value)).toMatchObject({ ok: true, value: { action: 'UNKNOWN' } })
})

test('G12: bytes that are no record of the topic are told apart by code', async () => {
  const good = encoderOf('LeadEvent', 1)(lead)
  const decode = async (
    value: Buffer | null,
    text: string | null = schemaText('LeadEvent'),
  ): Promise<string> => {
    const decoder = decoderOf(text)
    await decoder.prepare([value])
    const decoded = decoder.decode(value)
    return decoded.ok ? 'ok' : decoded.code
  }
  expect(await decode(good)).toBe('ok')
  expect(await decode(null)).toBe('undecodable')
  expect(await decode(Buffer.alloc(0))).toBe('undecodable')
  expect(await decode(Buffer.from('{"json":true}'))).toBe('undecodable')
  expect(await decode(good.subarray(0, -2))).toBe('undecodable')
  expect(await decode(Buffer.concat([good, Buffer.from([1])]))).toBe('undecodable')
  expect(await decode(Buffer.concat([good, Buffer.alloc(600_000)]))).toBe('too_large')
  expect(await decode(good, null)).toBe('unknown_schema')
  const foreign = '{"type":"record","name":"Other","namespace":"else","fields":[]}'
  expect(await decode(prefixOf(3), foreign)).toBe('foreign_subject')
  const bomb = schemaText('LeadEvent').replace(
    '"fields": [',
    '"fields": [{"name":"x","type":{"type":"array","items":"null"}},',
  )
  expect(await decode(good, bomb)).toBe('undecodable')
})

test('G12: items without bytes are found by any name, and a record that holds itself is none', () => {
  const typeWith = (field: object): boolean => {
    const nothing = { name: 'n', type: ['null', { type: 'record', name: 'Nil', fields: [] }], default: null }
    const fields = [nothing, { name: 'x', ...field }]
    const schema = { type: 'record', name: 'R', namespace: 'tallygate', fields }
    return hasZeroByteItems(typeOfSchema(JSON.stringify(schema)))
  }
  const nested = { type: 'record', name: 'Two', fields: [{ name: 'y', type: 'Nil' }] }
  const list = { type: 'record', name: 'List', fields: [{ name: 'next', type: ['null', 'List'] }] }
  expect(typeWith({ type: { type: 'array', items: 'tallygate.Nil' } })).toBe(true)
  expect(typeWith({ type: { type: 'array', items: 'Nil' } })).toBe(true)
  expect(typeWith({ type: { type: 'map', values: { type: 'array', items: nested } } })).toBe(true)
  expect(typeWith({ type: { type: 'array', items: list } })).toBe(false)
  expect(typeWith({ type: { type: 'array', items: 'string' } })).toBe(false)
})

test('G12: a block that says it has more items than there are bytes ends too early, at once', async () => {
  const decoder = decoderOf(schemaText('UsageSnapshotEvent'))
  const event = { id: 'e', workspace: 'w', occurredAt: 1, source: 's', reservation: null }
  const whole = encoderOf('UsageSnapshotEvent', 1)({ ...event, levels: {}, members: {}, takenAt: 0 })
  await decoder.prepare([whole])
  expect(decoder.decode(whole)).toMatchObject({ ok: true })
  // Levels, members and takenAt are a byte each.
  const head = whole.subarray(0, -3)
  const [long, text] = [typeOfSchema('"long"'), typeOfSchema('"string"')]
  const levels = Buffer.concat([head, long.toBuffer(1_000_000_000_000)])
  const count = [long.toBuffer(1), text.toBuffer('m'), long.toBuffer(20_000_000)]
  const members = Buffer.concat([head, long.toBuffer(0), ...count])
  const negative = Buffer.concat([head, long.toBuffer(-1_000_000_000_000), long.toBuffer(8)])
  for (const bomb of [levels, members, negative])
    expect(decoder.decode(bomb)).toMatchObject({ ok: false, code: 'undecodable' })
})
