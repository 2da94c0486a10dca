import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Decoder } from './decoder.ts'
import { recordNames, schemaText, typeOfSchema } from './records.ts'
import { prefixOf } from './wire-format.ts'

interface Field {
  readonly name: string
  readonly default?: unknown
}

interface Schema {
  readonly fields: readonly Field[]
}

const RECORDS = 100
const now: Schema = JSON.parse(schemaText('LeadEvent'))
const names = (wanted: (field: Field) => boolean): string[] =>
  now.fields.filter(wanted).map(({ name }) => name)

/** One version back, without a defaulted field; one ahead with one more, one less, another order and a new symbol. */
const versions = [
  ['N-1', { ...now, fields: now.fields.filter(({ name }) => name !== 'reservation') }],
  ['N', now],
  ['N+1', newer()],
] as const

function newer(): Schema {
  const channel = { name: 'channel', type: ['null', 'string'], default: null }
  const kept = now.fields.filter(({ name }) => name !== 'quantity').toReversed()
  const text = JSON.stringify({ ...now, fields: [channel, ...kept] })
  return JSON.parse(text.replace('"merged",', '"merged","archived",'))
}

function recordsOf(writer: string): readonly Record<string, unknown>[] {
  return Array.from({ length: RECORDS }, (_, index) => ({
    id: `e${index}`,
    workspace: 'acme',
    occurredAt: index,
    source: writer,
    leadId: `l${index}`,
    action: writer === 'N+1' && index % 2 === 0 ? 'archived' : 'created',
    ...(writer === 'N-1' ? {} : { reservation: 'op' }),
    ...(writer === 'N+1' ? { channel: 'web' } : { quantity: index + 2 }),
  }))
}

/** What a reader of a version makes of a record of another. */
function asRead(record: Readonly<Record<string, unknown>>, reader: string): Record<string, unknown> {
  const defaults = { reservation: null, quantity: 1, channel: null }
  const all: Record<string, unknown> = { ...defaults, ...record }
  if (reader !== 'N+1' && all['action'] === 'archived') all['action'] = 'UNKNOWN'
  const { channel, quantity, reservation, ...shared } = all
  if (reader === 'N-1') return { ...shared, quantity }
  return reader === 'N' ? { ...shared, quantity, reservation } : { ...shared, reservation, channel }
}

test('G14: readers N-1, N and N+1 take what writers N-1, N and N+1 wrote, one by one and mixed', async () => {
  const writers = new Map(versions.map(([name, schema], id) => [name, { id, text: JSON.stringify(schema) }]))
  const log = Array.from({ length: RECORDS }, (_, index) =>
    [...writers].map(([name, { id, text }]) => {
      const record = recordsOf(name)[index] ?? {}
      return { name, record, bytes: Buffer.concat([prefixOf(id), typeOfSchema(text).toBuffer(record)]) }
    }),
  ).flat()
  const counts: Record<string, number> = {}
  for (const [reader, schema] of versions) {
    const decoder = new Decoder({
      records: ['LeadEvent'],
      schemaOf: () => JSON.stringify(schema),
      fetchSchema: async (id) => [...writers.values()][id]?.text ?? null,
      now: () => 0,
    })
    await decoder.prepare(log.map(({ bytes }) => bytes))
    for (const { name, record, bytes } of log) {
      const decoded = decoder.decode(bytes)
      expect(decoded, `${name} read by ${reader}`).toMatchObject({ ok: true })
      expect({ ...Object(decoded).value }, `${name} read by ${reader}`).toEqual(asRead(record, reader))
      counts[`${name} -> ${reader}`] = (counts[`${name} -> ${reader}`] ?? 0) + 1
    }
  }
  expect(Object.values(counts)).toEqual(Array(9).fill(RECORDS))
})

/** Fields that were, and are gone: taken away, or called otherwise, so that what they said is lost. */
function goneFields(older: Schema, schema: Schema): string[] {
  const own = new Set(schema.fields.map(({ name }) => name))
  return older.fields.map(({ name }) => name).filter((name) => !own.has(name))
}

test('G14: no field of any version ever registered is gone or renamed, nor goes by another name', () => {
  const history = new URL('./history/', import.meta.url)
  for (const record of recordNames) {
    const own = readdirSync(history).filter((file) => file.startsWith(`${record}.`))
    for (const file of own) {
      const older: Schema = JSON.parse(readFileSync(new URL(file, history), 'utf8'))
      expect(goneFields(older, JSON.parse(schemaText(record))), file).toEqual([])
    }
    expect(schemaText(record), record).not.toContain('"aliases"')
  }
  const renamed = JSON.parse(schemaText('LeadEvent').replace('"name": "quantity"', '"name": "units"'))
  expect(goneFields(now, renamed)).toEqual(['quantity'])
  expect(names((field) => 'default' in field)).toContain('quantity')
})
