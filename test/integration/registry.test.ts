import { beforeAll, expect, test } from 'vitest'
import { setUp } from '#deploy/setup.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { requireSameSchemas } from '#drivers/mongo/schema-log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { type RecordName, recordNames, schemaText, subjectOf } from '#schemas/records.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { FailingService } from '#test/helpers/failing-service.ts'
import { ownAddresses } from '#test/helpers/own-system.ts'
import { rememberLeadsAs } from '#test/helpers/remembered-schema.ts'

const url = engineAddresses().registry
const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }

beforeAll(async () => {
  await new SchemaRegistry(url).registerAll()
})

test('registering again gives the same ids', async () => {
  const first = await new SchemaRegistry(url).registerAll()
  expect(await new SchemaRegistry(url).registerAll()).toEqual(first)
  expect(new Set(Object.values(first)).size).toBe(recordNames.length)
})

test('G14: every subject is kept FULL_TRANSITIVE', async () => {
  for (const record of recordNames) {
    const config = await fetch(`${url}/config/${subjectOf(record)}`).then((response) => response.json())
    expect(config, record).toMatchObject({ compatibilityLevel: 'FULL_TRANSITIVE' })
  }
})

const current = schemaText('LeadEvent')
interface Schema {
  readonly fields: readonly { readonly name: string }[]
}
const parsed: Schema = JSON.parse(current)
const more = (field: object): string => JSON.stringify({ ...parsed, fields: [field, ...parsed.fields] })
const quantityAs = (type: string): string =>
  current
    .replace('"name": "quantity",\n      "type": "long"', `"name": "quantity",\n      "type": "${type}"`)
    .replace('"default": 1,', '')

test.for([
  ['a field without a default', more({ name: 'more', type: 'string' })],
  ['another type', quantityAs('string')],
  ['a long made an int, which is an int made a long for the other side', quantityAs('int')],
] as const)('G14: the registry refuses %s', async ([, schema]) => {
  const response = await ask(`/subjects/${subjectOf('LeadEvent')}/versions`, schema)
  expect(response.status).toBe(409)
})

test.for([
  ['a field with a default', more({ name: 'more', type: ['null', 'string'], default: null })],
  [
    'a field with a default taken away',
    JSON.stringify({ ...parsed, fields: parsed.fields.filter(({ name }) => name !== 'quantity') }),
  ],
  ['fields in another order', JSON.stringify({ ...parsed, fields: parsed.fields.toReversed() })],
  ['one more symbol', current.replace('"merged",', '"merged", "archived",')],
] as const)('G14: the registry takes %s', async ([, schema]) => {
  expect(schema).not.toBe(current)
  const subject = subjectOf('LeadEvent')
  const response = await ask(`/compatibility/subjects/${subject}/versions/latest`, schema)
  expect(await response.json()).toMatchObject({ is_compatible: true })
})

function ask(path: string, schema: string): Promise<Response> {
  return fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify({ schema }) })
}

test('a schema id that was never given is told apart from a registry that is away', async () => {
  expect(await new SchemaRegistry(url).fetchSchema(99_999_999)).toBeNull()
  await expect(new SchemaRegistry('http://127.0.0.1:9').fetchSchema(1)).rejects.toMatchObject({
    code: 'unavailable',
  })
})

test('consumers refuse a registry that numbers schemas otherwise than when the log was written, or lost them', async ({
  onTestFinished,
}) => {
  const mongo = await connectMongo(ownAddresses().mongo)
  onTestFinished(() => mongo.close())
  const registry = new SchemaRegistry(url)
  const ids = await registry.registerAll()
  const texts = new Map(Object.entries(ids).map(([record, id]) => [id, schemaText(record as RecordName)]))
  let asked = 0
  const schemaIds = async (): Promise<typeof ids> => {
    asked += 1
    return ids
  }
  const open = (): Promise<typeof ids> =>
    requireSameSchemas(mongo.db, { schemaIds, fetchSchema: async (id) => texts.get(id) ?? null })
  expect(await requireSameSchemas(mongo.db, registry)).toEqual(ids)
  await open()
  asked = 0
  const { LeadEvent: lead } = ids
  for (const other of [schemaText('ContactEvent'), undefined]) {
    if (other === undefined) texts.delete(lead)
    else texts.set(lead, other)
    await expect(open()).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining(`under ${lead} (LeadEvent): restore`),
    })
  }
  expect(asked, 'nothing is registered in a registry that is refused').toBe(0)
  texts.set(lead, schemaText('LeadEvent'))
  await open()
})

test('the set-up leaves a registry empty that lost its data, so that it can be restored', async ({
  onTestFinished,
}) => {
  const empty = await FailingService.open()
  onTestFinished(() => empty.close())
  empty.play({ status: 404 })
  const { mongo: url, ...addresses } = ownAddresses()
  const mongo = await rememberLeadsAs(7, url)
  await expect(setUp({ ...addresses, mongo, registry: empty.url })).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringContaining('under 7 (LeadEvent): restore'),
  })
  expect(empty.seen.map(({ path }) => path)).toEqual(['/schemas/ids/7'])
})
