import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import { DAY_MS } from '../instant.ts'
import { indexMeters, measure } from './measure.ts'
import type { Measured } from './usage-event.ts'

const parsed = parseCatalogue(JSON.parse(readFileSync('deploy/catalogue.json', 'utf8')), 1)
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
const context = { catalogue: parsed.catalogue, index: indexMeters(parsed.catalogue) }
const NOW = Date.parse('2026-11-23T12:00:00Z')
const DAY = '20261123'

function measured(record: string, fields: object): Measured {
  const envelope = { id: 'e1', workspace: 'acme', occurredAt: NOW, source: 'crm', reservation: null }
  return measure(record, { ...envelope, ...fields }, context, NOW)
}

/** The changes of an event that counts, or the code that refuses it. */
function outcome(record: string, fields: object): unknown {
  const result = measured(record, fields)
  return result.ok ? result.changes : result.code
}

const credits = (units: number): object => ({
  kind: 'flow',
  meter: 'ai_credits',
  day: DAY,
  units,
  occurredAt: NOW,
})

describe('records with a level', () => {
  const levels = [
    ['LeadEvent', 'leads'],
    ['ContactEvent', 'contacts'],
    ['CompanyEvent', 'companies'],
  ] as const
  const signs = { created: 3, restored: 3, deleted: -3, merged: -3 }
  for (const [record, meter] of levels) {
    test.for(Object.entries(signs))(`${record} %s counts %i ${meter}`, ([action, units]) => {
      expect(outcome(record, { action, quantity: 3 })).toEqual([{ kind: 'add', meter, units }])
    })
  }
  test('a missing quantity counts one', () => {
    expect(outcome('LeadEvent', { action: 'created' })).toEqual([{ kind: 'add', meter: 'leads', units: 1 }])
  })
  test('an action that the meter does not list counts nothing', () => {
    expect(outcome('LeadEvent', { action: 'viewed', quantity: 1 })).toEqual([])
    expect(outcome('LeadEvent', { action: 'constructor', quantity: 1 })).toEqual([])
  })
  test.for([
    [0, [{ kind: 'add', meter: 'leads', units: 0 }]],
    [1_000_000_000, [{ kind: 'add', meter: 'leads', units: 1_000_000_000 }]],
    [1_000_000_001, 'quantity_out_of_range'],
    [-1, 'quantity_out_of_range'],
    [1.5, 'quantity_out_of_range'],
    [Number.NaN, 'quantity_out_of_range'],
    ['3', 'quantity_out_of_range'],
  ] as const)('a quantity of %s', ([quantity, expected]) => {
    expect(outcome('LeadEvent', { action: 'created', quantity })).toEqual(expected)
  })
})

describe('AiCallEvent', () => {
  const weights = { reply_suggestion: 1, rewrite: 1, summary: 5, task_suggestion: 2, agent: 3, copilot: 2 }
  test.for(Object.entries(weights))('%s without credits costs its weight, %i', ([name, units]) => {
    expect(outcome('AiCallEvent', { function: name, credits: null })).toEqual([credits(units)])
  })
  test('stated credits win over the weight, 0 too, and over an unknown function', () => {
    expect(outcome('AiCallEvent', { function: 'summary', credits: 42 })).toEqual([credits(42)])
    expect(outcome('AiCallEvent', { function: 'summary', credits: 0 })).toEqual([credits(0)])
    expect(outcome('AiCallEvent', { function: 'telepathy', credits: 2 })).toEqual([credits(2)])
  })
  test.for(['telepathy', 'constructor', '__proto__', ''])(
    'the function %o without credits is refused',
    (name) => {
      expect(outcome('AiCallEvent', { function: name, credits: null })).toBe('unknown_function')
    },
  )
  test.for([-1, 1.5, 1_000_000_001])('credits of %s are refused', (given) => {
    expect(outcome('AiCallEvent', { function: 'agent', credits: given })).toBe('quantity_out_of_range')
  })
  test('credits belong to the UTC day of the call', () => {
    const midnight = Date.parse('2026-11-24T00:00:00Z')
    const day = (occurredAt: number): unknown => outcome('AiCallEvent', { credits: 1, occurredAt })
    expect(day(midnight - 1)).toMatchObject([{ day: DAY }])
    expect(day(midnight)).toMatchObject([{ day: '20261124' }])
  })
})

describe('records with members', () => {
  const agents = {
    draft: ['leave', 'join'],
    active: ['join', 'join'],
    offline: ['leave', 'join'],
    deleted: ['leave', 'leave'],
  }
  test.for(Object.entries(agents))(
    'an AI agent that is %s changes both agent meters: %o',
    ([state, kinds]) => {
      expect(outcome('AiAgentEvent', { agentId: 'a-1', state })).toEqual([
        { kind: kinds[0], meter: 'ai_agents', subject: 'a-1' },
        { kind: kinds[1], meter: 'ai_agents_total', subject: 'a-1' },
      ])
    },
  )
  test.for([
    ['WhatsappNumberEvent', 'number', 'whatsapp_numbers'],
    ['InstagramAccountEvent', 'account', 'instagram_accounts'],
  ] as const)('%s: connected joins, disconnected leaves', ([record, field, meter]) => {
    const subject = '+5511999990000'
    expect(outcome(record, { [field]: subject, action: 'connected' })).toEqual([
      { kind: 'join', meter, subject },
    ])
    expect(outcome(record, { [field]: subject, action: 'disconnected' })).toEqual([
      { kind: 'leave', meter, subject },
    ])
  })
  test.for(['5511999990000', 'a'.repeat(128), `+${'1'.repeat(20)}`])('%o may name a number', (number) => {
    expect(outcome('WhatsappNumberEvent', { number, action: 'connected' })).toHaveLength(1)
  })
  test.for([
    '',
    '+',
    '+1'.repeat(2),
    `+${'1'.repeat(21)}`,
    'a'.repeat(129),
    'a b',
    'a~b',
    5,
    null,
    undefined,
  ])('%o may not', (number) => {
    expect(outcome('WhatsappNumberEvent', { number, action: 'connected' })).toBe('invalid_field')
  })
})

test.for([
  ['LeadEvent', { action: 'UNKNOWN', quantity: 1 }],
  ['ContactEvent', { action: 'UNKNOWN', quantity: 1 }],
  ['CompanyEvent', { action: 'UNKNOWN', quantity: 1 }],
  ['AiAgentEvent', { state: 'UNKNOWN', agentId: 'a-1' }],
  ['WhatsappNumberEvent', { action: 'UNKNOWN', number: '+1' }],
  ['InstagramAccountEvent', { action: 'UNKNOWN', account: 'shop' }],
  ['MeterEvent', { action: 'UNKNOWN', meter: 'leads', quantity: 1 }],
] as const)('%s with a value of a newer schema is refused, never guessed', ([record, fields]) => {
  expect(outcome(record, fields)).toBe('invalid_field')
})

test('an event from before a meter’s first definition, or of an unmetered record, counts nothing', () => {
  const occurredAt = Date.parse('2020-01-01') - 1
  expect(outcome('LeadEvent', { action: 'created', occurredAt })).toEqual([])
  expect(outcome('LeadEvent', { action: 'created', occurredAt: occurredAt + 1 })).toHaveLength(1)
  expect(outcome('DealEvent', { action: 'created' })).toEqual([])
})

describe('MeterEvent', () => {
  const event = (meter: string, action: string, change: object = {}): unknown =>
    outcome('MeterEvent', { meter, action, quantity: 4, subject: null, ...change })

  test('a level is added to, taken from and set', () => {
    expect(event('leads', 'add')).toEqual([{ kind: 'add', meter: 'leads', units: 4 }])
    expect(event('leads', 'remove')).toEqual([{ kind: 'add', meter: 'leads', units: -4 }])
    expect(event('leads', 'set')).toEqual([{ kind: 'set', meter: 'leads', units: 4 }])
  })
  test('a sum is only added to', () => {
    expect(event('ai_credits', 'add')).toEqual([credits(4)])
    expect(event('ai_credits', 'remove')).toBe('invalid_field')
    expect(event('ai_credits', 'set')).toBe('invalid_field')
  })
  test('members join and leave by their subject, and are never set', () => {
    const meter = 'whatsapp_numbers'
    const subject = '+5511'
    expect(event(meter, 'add', { subject })).toEqual([{ kind: 'join', meter, subject }])
    expect(event(meter, 'remove', { subject })).toEqual([{ kind: 'leave', meter, subject }])
    expect(event(meter, 'set', { subject })).toBe('invalid_field')
    expect(event(meter, 'add')).toBe('invalid_field')
  })
  test.for(['unicorns', '__proto__', 'constructor', ''])('the meter %o is unknown', (meter) => {
    expect(event(meter, 'add')).toBe('unknown_meter')
  })
  test.for([-1, 1.5, 1_000_000_001, null, undefined])('a quantity of %s is refused', (quantity) => {
    expect(event('leads', 'add', { quantity })).toBe('quantity_out_of_range')
  })
})

describe('UsageSnapshotEvent', () => {
  const snapshot = (levels: object, members: object = {}): unknown =>
    outcome('UsageSnapshotEvent', { levels, members, takenAt: NOW })
  const named = (...subjects: readonly unknown[]): readonly object[] =>
    subjects.map((subject) => ({ subject, since: NOW }))

  test('replaces the levels and members that it names, and no others', () => {
    expect(snapshot({ leads: 9, contacts: 0 }, { whatsapp_numbers: named('+1', 'n-2') })).toEqual([
      { kind: 'set', meter: 'leads', units: 9, isStated: true },
      { kind: 'set', meter: 'contacts', units: 0, isStated: true },
      { kind: 'members', meter: 'whatsapp_numbers', subjects: ['+1', 'n-2'], isStated: true },
    ])
    expect(snapshot({}, { ai_agents: [] })).toEqual([
      { kind: 'members', meter: 'ai_agents', subjects: [], isStated: true },
    ])
    expect(snapshot({})).toEqual([])
  })
  test('one wrong meter refuses all of it', () => {
    expect(snapshot({ leads: 9, unicorns: 1 })).toBe('unknown_meter')
    expect(snapshot({ leads: 9 }, { unicorns: [] })).toBe('unknown_meter')
    expect(snapshot({ ai_credits: 9 })).toBe('invalid_field')
    expect(snapshot({ whatsapp_numbers: 9 })).toBe('invalid_field')
    expect(snapshot({}, { leads: named('a') })).toBe('invalid_field')
  })
  test.for([-1, 1.5, Number.NaN, 2 ** 53])('a level of %s is refused', (units) => {
    expect(snapshot({ leads: units })).toBe('quantity_out_of_range')
  })
  test('a subject that is named twice is one member', () => {
    expect(snapshot({}, { whatsapp_numbers: named('+1', 'n-2', '+1') })).toEqual([
      { kind: 'members', meter: 'whatsapp_numbers', subjects: ['+1', 'n-2'], isStated: true },
    ])
  })
  test('at most 10,000 members, each with a name', () => {
    const many = (count: number): readonly object[] =>
      named(...Array.from({ length: count }, (_, i) => `n${i}`))
    expect(snapshot({}, { ai_agents: many(10_000) })).toHaveLength(1)
    expect(snapshot({}, { ai_agents: many(10_001) })).toBe('invalid_field')
    for (const subject of ['', 'a b', 'a~b', 5, null]) {
      expect(snapshot({}, { ai_agents: named(subject) })).toBe('invalid_field')
    }
  })
})

describe('WindowStartedEvent', () => {
  const startsAt = Date.parse('2026-11-22T09:30:00Z')
  const started = (change: object = {}): unknown =>
    outcome('WindowStartedEvent', { source: 'tallygate', meters: ['ai_credits'], startsAt, ...change })

  test('splits the day that the window starts in, whenever the event came', () => {
    const split = { kind: 'split', meter: 'ai_credits', day: '20261122', startsAt }
    expect(started()).toEqual([split])
    expect(started({ occurredAt: NOW + DAY_MS })).toEqual([split])
  })
  test('is ours alone, and concerns sums only', () => {
    expect(started({ source: 'crm' })).toBe('invalid_field')
    expect(started({ meters: ['leads'] })).toBe('invalid_field')
    expect(started({ meters: ['unicorns'] })).toBe('unknown_meter')
    expect(started({ startsAt: null })).toBe('invalid_field')
    expect(started({ meters: null })).toBe('invalid_field')
  })
})

test('an event of the next minutes is measured by the definition of when it was appended: the next one may not be known', () => {
  const [definition] = parsed.catalogue.meters['ai_credits'] ?? []
  if (definition?.weights === undefined) throw new Error('the shipped catalogue weighs no function')
  const heavier = { ...definition, from: NOW + 61_000, weights: { ...definition.weights, summary: 77 } }
  const catalogue = {
    ...parsed.catalogue,
    meters: { ...parsed.catalogue.meters, ai_credits: [definition, heavier] },
  }
  const unitsOf = (occurredAt: number, appendedAt: number): unknown => {
    const event = {
      id: 'e',
      workspace: 'acme',
      occurredAt,
      source: 'crm',
      function: 'summary',
      credits: null,
      reservation: null,
    }
    const result = measure('AiCallEvent', event, { catalogue, index: indexMeters(catalogue) }, appendedAt)
    return result.ok && Reflect.get(result.changes[0] ?? {}, 'units')
  }
  const usual = unitsOf(NOW, NOW)
  expect([unitsOf(NOW + 240_000, NOW), unitsOf(NOW + 60_000, NOW + 120_000)]).toEqual([usual, usual])
  expect(unitsOf(NOW + 61_000, NOW + 61_000)).toBe(77)
})
