import { describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../instant.ts'
import { appendTimeOf, faultOfTime } from './append-time.ts'

const KAFKA = Date.parse('2026-11-23T12:00:00.000Z')

describe('append time: what a header may restate', () => {
  test('without a header it is Kafka’s own', () => {
    expect(appendTimeOf(KAFKA, null)).toEqual({ at: KAFKA, restated: false })
  })
  test.for([KAFKA, KAFKA - 1, KAFKA - 400 * DAY_MS, 0])('%i, not after Kafka’s own, is trusted', (at) => {
    expect(appendTimeOf(KAFKA, String(at))).toEqual({ at, restated: true })
  })
  test.for([
    ['one millisecond after Kafka’s own', String(KAFKA + 1)],
    ['a text', 'yesterday'],
    ['nothing', ''],
    ['a negative number', '-1'],
    ['a fraction', '1.5'],
    ['an exponent', '1e12'],
    ['a hexadecimal number', '0x10'],
    ['a number with a space', ` ${KAFKA}`],
    ['a number with a line end', `${KAFKA}\n`],
    ['a number beyond any date', '9'.repeat(16)],
    ['an ISO date', '2026-11-23T12:00:00Z'],
  ] as const)('%s is ignored', ([, header]) => {
    expect(appendTimeOf(KAFKA, header)).toEqual({ at: KAFKA, restated: false })
  })
})

describe('G15: an event’s time is judged against its append time, to the millisecond', () => {
  const own = { at: KAFKA, restated: false }
  const restated = { at: KAFKA - 90 * DAY_MS, restated: true }

  test.for([
    ['Kafka’s own time', own, 48 * HOUR_MS],
    ['a restated time', restated, 35 * DAY_MS],
  ] as const)('%s: late up to its grace, too late one millisecond after', ([, append, graceMs]) => {
    expect(faultOfTime(append.at - graceMs, append)).toBeNull()
    expect(faultOfTime(append.at - graceMs - 1, append)?.code).toBe('too_late')
  })
  test.for([
    ['Kafka’s own time', own],
    ['a restated time', restated],
  ] as const)('%s: 5 minutes ahead at most', ([, append]) => {
    expect(faultOfTime(append.at, append)).toBeNull()
    expect(faultOfTime(append.at + 5 * MINUTE_MS, append)).toBeNull()
    expect(faultOfTime(append.at + 5 * MINUTE_MS + 1, append)?.code).toBe('from_the_future')
  })
  test('a header that is ignored does not widen the grace', () => {
    const occurredAt = KAFKA - 48 * HOUR_MS - 1
    expect(faultOfTime(occurredAt, appendTimeOf(KAFKA, String(KAFKA + 1)))?.code).toBe('too_late')
    expect(faultOfTime(occurredAt, appendTimeOf(KAFKA, String(KAFKA)))).toBeNull()
  })
  test('the reason says which time, how late, and what to do', () => {
    const late = faultOfTime(KAFKA - 49 * HOUR_MS, own)?.reason
    expect(late).toContain('2026-11-21T11:00:00.000Z')
    expect(late).toContain('48 h')
    expect(late).toContain('redrive')
    expect(faultOfTime(KAFKA - 40 * DAY_MS, { ...own, restated: true })?.reason).toMatch(/840 h .* import/)
    expect(faultOfTime(KAFKA + HOUR_MS, own)?.reason).toContain('clock')
  })
})
