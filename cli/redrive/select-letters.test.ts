import { expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import type { UsageEvent } from '#core/usage/usage-event.ts'
import type { Letter } from '#drivers/kafka/letters.ts'
import { VALUE_BYTES_MAX } from '#schemas/decoder.ts'
import { judgeLetter } from './select-letters.ts'

const NOW = Date.parse('2026-11-20T12:00:00Z')
const letter: Letter = {
  origin: 'usage.events/0/5',
  topic: 'usage.events',
  partition: 0,
  offset: 5,
  schemaId: 7,
  code: 'too_late',
  reason: 'late',
  failedAt: NOW - DAY_MS,
  key: Buffer.from('acme'),
  value: Buffer.from('x'),
  headers: {},
  appendedAt: NOW - DAY_MS,
}

function usageOf(fields: {
  readonly record: string
  readonly [name: string]: unknown
}): UsageEvent & { record: string } {
  const event: UsageEvent = {
    id: 'e1',
    workspace: 'acme',
    source: 'crm',
    occurredAt: NOW - 9 * DAY_MS,
    reservation: null,
  }
  return { ...event, ...fields }
}

test.for([
  [{ record: 'UsageSnapshotEvent', levels: { leads: 40 } }, true],
  [{ record: 'MeterEvent', action: 'set', meter: 'leads', quantity: 40 }, true],
  [{ record: 'MeterEvent', action: 'add', meter: 'leads', quantity: 40 }, false],
  [{ record: 'LeadEvent', action: 'created' }, false],
] as const)('redrive: what states a count is left out unless it is asked for: %j', ([fields, states]) => {
  const known = { letter, usage: usageOf(fields), wasSent: false }
  expect(judgeLetter(known, { countsToo: false, now: NOW }).skipped).toBe(states ? 'states a count' : null)
  expect(judgeLetter(known, { countsToo: true, now: NOW }).skipped).toBeNull()
  expect(judgeLetter({ ...known, wasSent: true }, { countsToo: true, now: NOW }).skipped).toBe(
    'sent again before',
  )
})

test.for([
  ['too_late', 'more than 72 h ago', 72 * HOUR_MS + 1, true],
  ['too_late', '72 h ago', 72 * HOUR_MS, false],
  ['unknown_meter', 'days ago', 9 * DAY_MS, false],
] as const)('redrive: %s of %s, of which a copy may have been counted', ([code, , agoMs, may]) => {
  const usage = usageOf({ record: 'LeadEvent', action: 'created', occurredAt: NOW - agoMs })
  const known = { letter: { ...letter, code }, usage, wasSent: false }
  const options = { countsToo: true, now: NOW }
  expect(judgeLetter(known, options)).toMatchObject({ skipped: null, mayCountAgain: may })
  expect(judgeLetter({ ...known, usage: null }, options).mayCountAgain).toBe(code === 'too_late')
  expect(judgeLetter({ ...known, wasSent: true }, options).mayCountAgain).toBe(false)
  const set = usageOf({ record: 'UsageSnapshotEvent', occurredAt: NOW - agoMs })
  expect(judgeLetter({ ...known, usage: set }, options).mayCountAgain).toBe(false)
})

test('redrive: a record that is too large to be read is left out: near the bound of a broker it would stop all the others', () => {
  const largest = { ...letter, code: 'too_large', value: Buffer.alloc(VALUE_BYTES_MAX) }
  const judged = (value: Buffer): unknown =>
    judgeLetter(
      { letter: { ...largest, value }, usage: null, wasSent: false },
      { countsToo: false, now: NOW },
    ).skipped
  expect(judged(Buffer.alloc(VALUE_BYTES_MAX))).toBeNull()
  expect(judged(Buffer.alloc(VALUE_BYTES_MAX + 1))).toBe('is too large')
})

test('redrive: bytes that are cut or cannot be read state no count', () => {
  const usage = null
  expect(judgeLetter({ letter, usage, wasSent: false }, { countsToo: false, now: NOW }).skipped).toBeNull()
  const cut = { ...letter, value: null }
  expect(judgeLetter({ letter: cut, usage, wasSent: false }, { countsToo: true, now: NOW }).skipped).toBe(
    'is too large',
  )
})
