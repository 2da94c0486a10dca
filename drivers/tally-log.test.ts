import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { TallyLog } from './tally-log.ts'

test('tally log: a thousand of one kind and one of another are one line, and silence is none', () => {
  vi.useFakeTimers()
  try {
    const lines: string[] = []
    const sink = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) })
    const tally = new TallyLog(pino(sink), 'it happened')
    for (let count = 0; count < 1_000; count += 1) tally.note('leads degraded_allow')
    tally.note('ai_credits degraded_deny')
    expect(lines).toEqual([])
    vi.advanceTimersByTime(60_000)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'it happened', counts: { 'leads degraded_allow': 1_000, 'ai_credits degraded_deny': 1 } },
    ])
    tally.note('leads degraded_allow')
    tally.flush()
    expect(lines).toHaveLength(2)
  } finally {
    vi.useRealTimers()
  }
})
