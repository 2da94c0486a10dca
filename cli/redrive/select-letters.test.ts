import { expect, test } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import type { UsageEvent } from '#core/usage/usage-event.ts'
import type { Letter } from '#drivers/kafka/letters.ts'
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

function usageOf(fields: { readonly record: string; readonly [name: string]: unknown }) {
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
  expect(judgeLetter(known, false).skipped).toBe(states ? 'states a count' : null)
  expect(judgeLetter(known, true).skipped).toBeNull()
  expect(judgeLetter({ ...known, wasSent: true }, true).skipped).toBe('sent again before')
})

test('redrive: bytes that are cut or cannot be read state no count', () => {
  const usage = null
  expect(judgeLetter({ letter, usage, wasSent: false }, false).skipped).toBeNull()
  const cut = { ...letter, value: null }
  expect(judgeLetter({ letter: cut, usage, wasSent: false }, true).skipped).toBe('bytes are cut')
})
