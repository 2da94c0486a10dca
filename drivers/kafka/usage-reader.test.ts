import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import { UsageReader } from './usage-reader.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const shipped = defaultCatalogue()

function message(fields: object): KafkaMessage {
  const value = { id: 'e', workspace: 'acme', occurredAt: NOW, source: 'crm', reservation: null, ...fields }
  const text = Buffer.from(JSON.stringify(value))
  return {
    key: Buffer.from('acme'),
    value: text,
    offset: '0',
    timestamp: String(NOW),
    headers: {},
  } as KafkaMessage
}

/** A reader of records that say which they are, and how often it asked for the newest catalogue. */
function reader({ trustAppendTimeHeader = true } = {}) {
  const world = { catalogue: shipped, asked: 0 }
  const own = new UsageReader({
    decode: ({ value }) => {
      const { record, ...event } = JSON.parse(String(value))
      return { ok: true, record, value: event }
    },
    hasher: () => ({ member: 'm', subShard: 0 }),
    catalogue: async (fresh) => {
      if (fresh) world.asked += 1
      return world.catalogue
    },
    trustAppendTimeHeader,
  })
  return { own, world }
}

const call = message({ record: 'AiCallEvent', function: 'summary', credits: null })
const stray = message({ record: 'MeterEvent', meter: 'leeds', quantity: 1, subject: null })

test('a new definition of a meter counts from the next read on, whether or not somebody asks for it', async () => {
  const { own, world } = reader()
  const unitsOf = async (): Promise<unknown> => (await own.read([call])).events[0]?.changes[0]
  const before = await unitsOf()
  const [definition] = shipped.meters['ai_credits'] ?? []
  if (definition?.weights === undefined) throw new Error('the shipped catalogue weighs no function')
  const heavier = { ...definition, from: NOW - 1, weights: { ...definition.weights, summary: 77 } }
  const meters = { ...shipped.meters, ai_credits: [definition, heavier] }
  world.catalogue = { ...shipped, revision: shipped.revision + 1, meters }
  expect(await unitsOf()).toEqual({ ...Object(before), units: 77 })
})

test('G12: a meter that nobody knows is asked for once a read, however many records name it', async () => {
  const { own, world } = reader()
  const { refused } = await own.read(Array.from({ length: 500 }, () => stray))
  expect([refused.length, refused[0]?.code, world.asked]).toEqual([500, 'unknown_meter', 1])
})

test('G12: a record on which the code itself fails is set aside, and the one behind it counts', async () => {
  const { own } = reader()
  const broken = { ...call, value: Buffer.from('no JSON') }
  const { events, refused } = await own.read([broken, call])
  expect(events.map(({ id }) => id)).toEqual(['e'])
  expect(refused).toMatchObject([{ message: broken, code: 'undecodable' }])
  expect(refused[0]?.reason).toContain('a fault of this version: SyntaxError')
})

test('a redriven record changes levels on the day on which it is counted; an import on the days that it restates', async () => {
  const { own } = reader()
  const then = NOW - 20 * DAY_MS
  const lead = message({ record: 'LeadEvent', leadId: 'l', action: 'created', occurredAt: then })
  const restated = { 'tallygate-append-time': Buffer.from(String(then)) }
  const origin = { 'tallygate-dead-letter': Buffer.from('usage.events/0/7') }
  const imported = { ...lead, headers: restated } as KafkaMessage
  const redriven = { ...lead, headers: { ...restated, ...origin } } as KafkaMessage
  const { events } = await own.read([imported, redriven])
  expect(events).toMatchObject([{ appendedAt: then }, { appendedAt: then, recordedAt: NOW }])
  expect(events[0]).not.toHaveProperty('recordedAt')
})

test('G15: where append times that records state are not trusted, an old event is too late whatever its header says', async () => {
  const then = NOW - 20 * DAY_MS
  const lead = message({ record: 'LeadEvent', leadId: 'l', action: 'created', occurredAt: then })
  const headers = { 'tallygate-append-time': Buffer.from(String(then)) }
  const imported = { ...lead, headers } as KafkaMessage
  const { own } = reader({ trustAppendTimeHeader: false })
  const { events, refused } = await own.read([imported, { ...call, headers } as KafkaMessage])
  expect(refused).toMatchObject([{ message: imported, code: 'too_late' }])
  expect(events).toMatchObject([{ appendedAt: NOW }])
})
