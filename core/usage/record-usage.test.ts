import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../instant.ts'
import { indexMeters } from './measure.ts'
import { recordUsage } from './record-usage.ts'

const parsed = parseCatalogue(JSON.parse(readFileSync('deploy/catalogue.json', 'utf8')), 1)
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
const context = { catalogue: parsed.catalogue, index: indexMeters(parsed.catalogue) }
const NOW = Date.parse('2026-11-23T12:00:00Z')

interface Given {
  readonly fields?: object
  readonly kafkaTime?: number
  readonly header?: string | null
  readonly key?: string
}

function record(
  name: string,
  { fields = {}, kafkaTime = NOW, header = null, key = 'acme' }: Given = {},
): object {
  const event = { id: 'e1', workspace: 'acme', occurredAt: NOW, source: 'crm', reservation: null, ...fields }
  const outcome = recordUsage({ record: name, event, key, kafkaTime, appendTimeHeader: header }, context)
  return outcome.ok ? outcome.changes : { code: outcome.code }
}

describe('what each record counts as', () => {
  test.for([
    ['LeadEvent', { action: 'created', quantity: 3 }, [{ kind: 'add', meter: 'leads', units: 3 }]],
    ['LeadEvent', { action: 'merged', quantity: 1 }, [{ kind: 'add', meter: 'leads', units: -1 }]],
    ['ContactEvent', { action: 'restored', quantity: 2 }, [{ kind: 'add', meter: 'contacts', units: 2 }]],
    ['CompanyEvent', { action: 'deleted', quantity: 2 }, [{ kind: 'add', meter: 'companies', units: -2 }]],
    [
      'AiCallEvent',
      { function: 'x', credits: 7 },
      [{ kind: 'flow', meter: 'ai_credits', day: '20261123', units: 7, occurredAt: NOW }],
    ],
    [
      'AiCallEvent',
      { function: 'summary', credits: null },
      [{ kind: 'flow', meter: 'ai_credits', day: '20261123', units: 5, occurredAt: NOW }],
    ],
    [
      'WhatsappNumberEvent',
      { number: '+551199', action: 'connected' },
      [{ kind: 'join', meter: 'whatsapp_numbers', subject: '+551199' }],
    ],
    [
      'InstagramAccountEvent',
      { account: 'shop', action: 'disconnected' },
      [{ kind: 'leave', meter: 'instagram_accounts', subject: 'shop' }],
    ],
    [
      'MeterEvent',
      { meter: 'leads', quantity: 4, subject: null, action: 'set' },
      [{ kind: 'set', meter: 'leads', units: 4 }],
    ],
    [
      'MeterEvent',
      { meter: 'leads', quantity: 4, subject: null, action: 'remove' },
      [{ kind: 'add', meter: 'leads', units: -4 }],
    ],
  ] as const)('%s %o', ([name, fields, changes]) => {
    expect(record(name, { fields })).toEqual(changes)
  })

  test('AiAgentEvent changes both agent meters at once', () => {
    const kinds = (state: string): unknown =>
      (record('AiAgentEvent', { fields: { agentId: 'a', state } }) as { meter: string; kind: string }[]).map(
        ({ meter, kind }) => `${meter} ${kind}`,
      )
    expect(kinds('active')).toEqual(['ai_agents join', 'ai_agents_total join'])
    expect(kinds('offline')).toEqual(['ai_agents leave', 'ai_agents_total join'])
    expect(kinds('deleted')).toEqual(['ai_agents leave', 'ai_agents_total leave'])
  })

  test('UsageSnapshotEvent sets levels and members, WindowStartedEvent splits a day', () => {
    const members = { whatsapp_numbers: [{ subject: '+1', since: NOW }] }
    expect(record('UsageSnapshotEvent', { fields: { levels: { leads: 9 }, members, takenAt: NOW } })).toEqual(
      [
        { kind: 'set', meter: 'leads', units: 9, isStated: true },
        { kind: 'members', meter: 'whatsapp_numbers', subjects: ['+1'], isStated: true },
      ],
    )
    const own = { id: 'acme~1~w', source: 'tallygate', meters: ['ai_credits'], startsAt: NOW }
    expect(record('WindowStartedEvent', { fields: own })).toEqual([
      { kind: 'split', meter: 'ai_credits', day: '20261123', startsAt: NOW },
    ])
  })
})

describe('what may not count', () => {
  test.for([
    ['quantity_out_of_range', 'LeadEvent', { action: 'created', quantity: 1_000_000_001 }],
    ['quantity_out_of_range', 'LeadEvent', { action: 'created', quantity: -1 }],
    ['invalid_field', 'LeadEvent', { action: 'UNKNOWN', quantity: 1 }],
    ['unknown_function', 'AiCallEvent', { function: 'mind_reading', credits: null }],
    ['unknown_function', 'AiCallEvent', { function: 'constructor', credits: null }],
    ['unknown_meter', 'MeterEvent', { meter: '__proto__', quantity: 1, action: 'add' }],
    ['invalid_field', 'WhatsappNumberEvent', { number: 'has space', action: 'connected' }],
    ['invalid_field', 'MeterEvent', { meter: 'whatsapp_numbers', quantity: 1, subject: null, action: 'add' }],
    ['invalid_field', 'LeadEvent', { action: 'created', quantity: 1, id: 'a b' }],
    ['invalid_field', 'LeadEvent', { action: 'created', quantity: 1, id: 'x~1', source: 'crm' }],
    ['invalid_field', 'LeadEvent', { action: 'created', quantity: 1, source: 'tallygate' }],
  ] as const)('%s: %s %o', ([code, name, fields]) => {
    expect(record(name, { fields })).toEqual({ code })
  })

  test('a key that is not the workspace', () => {
    expect(record('LeadEvent', { fields: { action: 'created' }, key: 'other' })).toEqual({
      code: 'invalid_field',
    })
  })

  test('quantities of 0 and 10^9 count', () => {
    for (const quantity of [0, 1_000_000_000]) {
      expect(record('LeadEvent', { fields: { action: 'created', quantity } })).toMatchObject([
        { units: quantity },
      ])
    }
  })
})

describe('G15: lateness is judged against the append time, to the millisecond', () => {
  const lead = { action: 'created', quantity: 1 }
  const late = (lateMs: number, header: string | null = null): object =>
    record('LeadEvent', { fields: { ...lead, occurredAt: NOW - lateMs }, header })

  test('48 hours late counts, one millisecond more does not', () => {
    expect(late(48 * HOUR_MS)).toHaveLength(1)
    expect(late(48 * HOUR_MS + 1)).toEqual({ code: 'too_late' })
  })
  test('5 minutes ahead counts, one millisecond more does not', () => {
    expect(late(-5 * MINUTE_MS)).toHaveLength(1)
    expect(late(-5 * MINUTE_MS - 1)).toEqual({ code: 'from_the_future' })
  })
  test('a restated append time is judged by 35 days', () => {
    expect(late(40 * DAY_MS, String(NOW - 5 * DAY_MS))).toHaveLength(1)
    expect(late(40 * DAY_MS + 1, String(NOW - 5 * DAY_MS))).toEqual({ code: 'too_late' })
  })
  test('a restated time after Kafka’s own, or no number, is ignored', () => {
    expect(late(49 * HOUR_MS, String(NOW + 1))).toEqual({ code: 'too_late' })
    expect(late(49 * HOUR_MS, 'yesterday')).toEqual({ code: 'too_late' })
  })
})

test('G12: an instant that no date names is refused, not thrown at', () => {
  const lead = { leadId: 'l', action: 'created', quantity: 1 }
  for (const occurredAt of [8.7e15, Number.MAX_SAFE_INTEGER, -8.7e15, 0, 253_402_300_800_000])
    expect(record('LeadEvent', { fields: { ...lead, occurredAt } })).toEqual({ code: 'invalid_field' })
  const start = { id: 'acme~1~w', source: 'tallygate', meters: ['ai_credits'], startsAt: 8.7e15 }
  expect(record('WindowStartedEvent', { fields: start })).toEqual({ code: 'invalid_field' })
})
