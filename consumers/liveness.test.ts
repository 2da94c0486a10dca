import { expect, test } from 'vitest'
import { Liveness, progressOf, watchKafka } from './liveness.ts'

function started(): { liveness: Liveness; pass: (ms: number) => void } {
  let now = 0
  const pass = (ms: number): void => {
    now += ms
  }
  return { liveness: new Liveness({ topic: 'usage.events', now: () => now, stalledMaxMs: 45_000 }), pass }
}

const behind = { partition: 3, position: 17, lag: 5, isBusy: false }

test('lag that grows while the position stands still is not ready after 10 s and fatal after 45 s', () => {
  const { liveness, pass } = started()
  liveness.observe([behind])
  pass(10_001)
  liveness.observe([{ ...behind, lag: 9 }])
  expect([liveness.unready(), liveness.fatal()]).toEqual([expect.stringContaining('partition 3'), null])
  pass(35_000)
  liveness.observe([{ ...behind, lag: 90 }])
  expect(liveness.fatal()).toContain('partition 3')
})

test('G13: a process ends where Kafka delivers nothing of any one topic, and where it does not answer at all', () => {
  const idle = { ms: 0 }
  const [fine, stalled] = [started(), started()]
  const topics = [fine.liveness, stalled.liveness]
  const watch = watchKafka({ idleMs: () => idle.ms, topics, stalledMaxMs: 45_000 })
  stalled.liveness.observe([behind])
  expect([watch.unready(), watch.fatal()]).toEqual([null, null])
  stalled.pass(10_001)
  expect([watch.unready(), watch.fatal()]).toEqual([expect.stringContaining('not moved on'), null])
  stalled.pass(35_000)
  expect(watch.fatal()).toContain('Kafka delivers nothing of partition 3')
  stalled.liveness.observe([{ ...behind, position: 18 }])
  idle.ms = 10_000
  expect([watch.unready(), watch.fatal()]).toEqual(['Kafka has not answered for 10 s', null])
  idle.ms = 45_000
  expect(watch.fatal()).toBe('Kafka has not answered for 45 s')
})

test('a batch that waits for another engine is not ready, and never fatal', () => {
  const { liveness, pass } = started()
  liveness.observe([{ ...behind, isBusy: true }])
  pass(100_000)
  liveness.observe([{ ...behind, isBusy: true }])
  expect([liveness.unready(), liveness.fatal()]).toEqual([expect.stringContaining('partition 3'), null])
})

test('a partition that stands still behind one that waits for another engine is not fatal', () => {
  const { liveness, pass } = started()
  const first = { ...behind, partition: 2, isBusy: true }
  liveness.observe([first, behind])
  pass(100_000)
  liveness.observe([first, behind])
  expect([liveness.unready(), liveness.fatal()]).toEqual([expect.stringContaining('partition 2, 3'), null])
  liveness.observe([{ ...first, position: 18 }, behind])
  expect(liveness.fatal()).toContain('partition 3')
})

test('a partition that moves on, is read to its end, or was given away is fine', () => {
  const { liveness, pass } = started()
  liveness.observe([behind])
  pass(50_000)
  liveness.observe([{ ...behind, position: 18 }])
  expect([liveness.unready(), liveness.fatal()]).toEqual([null, null])
  liveness.observe([{ ...behind, position: 18, lag: 0 }])
  pass(50_000)
  liveness.observe([{ ...behind, position: 18, lag: 0 }])
  expect([liveness.unready(), liveness.fatal()]).toEqual([null, null])
  liveness.observe([behind])
  pass(50_000)
  liveness.observe([{ ...behind, partition: 4, lag: 0 }])
  expect([liveness.unready(), liveness.fatal()]).toEqual([null, null])
})

test('a partition read to its end is fine, also where nobody could look for long', () => {
  const { liveness, pass } = started()
  liveness.observe([{ ...behind, lag: 0 }])
  pass(100_000)
  expect([liveness.unready(), liveness.fatal()]).toEqual([null, null])
})

test('a topic that was made anew is not ready until its partition opens', () => {
  const { liveness } = started()
  liveness.recreated(3, 'partition 3 was made anew')
  liveness.observe([{ ...behind, position: null }])
  expect(liveness.unready()).toBe('partition 3 was made anew')
  liveness.observe([{ ...behind, lag: 0 }])
  expect(liveness.unready()).toBeNull()
})

test('a partition that is not opened is not ready after 10 s, and never fatal', () => {
  const { liveness, pass } = started()
  const closed = progressOf([{ partition: 3, position: null, isBusy: false }], new Map([[3, 9]]))
  liveness.observe(closed)
  expect(liveness.unready()).toBeNull()
  pass(100_000)
  liveness.observe(closed)
  expect([liveness.unready(), liveness.fatal()]).toEqual([
    expect.stringContaining('could not be opened'),
    null,
  ])
  liveness.observe(progressOf([{ partition: 3, position: 9, isBusy: false }], new Map([[3, 9]])))
  expect(liveness.unready()).toBeNull()
})
