import { describe, expect, test } from 'vitest'
import { fromNow, inWords, levelOf, minute, money, number, percentOf, span, words } from './format.js'

const NOW = Date.parse('2026-11-24T12:00:00Z')
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

describe('figures of the ops page', () => {
  test('a share says 100 % only where the limit is reached', () => {
    expect(percentOf(999_999, 1_000_000)).toBe(99)
    expect(percentOf(1_000_000, 1_000_000)).toBe(100)
    expect(percentOf(3, 0)).toBe(100)
    expect(percentOf(0, 0)).toBe(0)
  })
  test('the colour of a bar turns at 80 and at 100 percent, and never without a limit', () => {
    expect([79, 80, 99, 100, 120].map((used) => levelOf(used, 100))).toEqual([
      'good',
      'warn',
      'warn',
      'bad',
      'bad',
    ])
    expect(levelOf(10 ** 9, null)).toBe('good')
    expect([levelOf(0, 0), levelOf(1, 0)]).toEqual(['good', 'bad'])
  })
  test('what is not known is a dash, not a zero', () => {
    expect([number(0), number(12_500), number(null), span(null)]).toEqual(['0', '12,500', '–', '–'])
  })
  test('money has the decimals of its currency', () => {
    expect([money(12_345, 'USD'), money(5, 'BRL'), money(500, 'JPY')]).toEqual(['$123.45', 'R$0.05', '¥500'])
  })
})

describe('times of the ops page', () => {
  test('are UTC wherever the browser is', () => {
    expect(minute('2026-11-30T23:59:59.999Z')).toBe('30 Nov 2026, 23:59 UTC')
    expect(inWords('until 2026-12-01T00:00:00.000Z, then')).toBe('until 1 Dec 2026, 00:00 UTC, then')
  })
  test('numbers of a trace have their thousands apart; days, versions and ids stay', () => {
    expect(inWords('denied: 6794 > 3750')).toBe('denied: 6,794 > 3,750')
    expect(inWords('limit 1250 × 3 = 3750.')).toBe('limit 1,250 × 3 = 3,750.')
    expect(inWords('plan base, version 2026-06-01, order o-1003, 250 left')).toBe(
      'plan base, version 2026-06-01, order o-1003, 250 left',
    )
  })
  test('spans have two units at most and are never rounded up', () => {
    const spans = [
      999,
      1_990,
      59_999,
      HOUR_MS - 1,
      HOUR_MS + 61_000,
      26 * HOUR_MS,
      11 * 24 * HOUR_MS + HOUR_MS,
    ]
    expect(spans.map(span)).toEqual(['999 ms', '1.9 s', '59 s', '59 min', '1 h 1 min', '1 d 2 h', '11 d'])
  })
  test('the past and the future are told apart', () => {
    const at = (ms: number) => new Date(NOW + ms).toISOString()
    expect([at(-5 * MINUTE_MS), at(2 * HOUR_MS), at(1_000)].map((iso) => fromNow(iso, NOW))).toEqual([
      '5 min ago',
      'in 2 h',
      'just now',
    ])
  })
})

test('keys of the catalogue become words', () => {
  expect(['ai_credits', 'api_access', 'whatsapp_numbers', 'leads'].map(words)).toEqual([
    'AI credits',
    'API access',
    'WhatsApp numbers',
    'Leads',
  ])
})
