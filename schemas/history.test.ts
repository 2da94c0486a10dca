import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Decoder } from './decoder.ts'
import { encoderOf } from './encoder.ts'
import { type RecordName, recordNames, schemaText, typeOfSchema } from './records.ts'
import { prefixOf } from './wire-format.ts'

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
