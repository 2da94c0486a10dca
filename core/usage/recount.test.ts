import { expect, test } from 'vitest'
import { HOUR_MS } from '../instant.ts'
import type { ModelEvent } from './counter-model.ts'
import { type ReachedCounters, Recount } from './recount.ts'

const NOTHING: ReachedCounters = { reached: -1, fields: {}, members: {}, past: {}, pastThrough: '' }
const AT = Date.parse('2026-06-01T12:00:00Z')

function event(offset: number, is: Partial<ModelEvent> = {}): ModelEvent {
  const changes = [{ kind: 'add', meter: 'leads', units: 1 }] as const
  return { offset, workspace: 'acme', identity: `e${offset}`, appendedAt: AT, changes, ...is }
}

function recount(
  counted: Partial<ReachedCounters> | null,
  start: Partial<ReachedCounters> | null = null,
): Recount {
  const own = counted === null ? null : { ...NOTHING, ...counted }
  const from = start === null ? null : { ...NOTHING, ...start }
  return new Recount({
    counted: () => own,
    start: () => from,
    reached: () => 2,
    distinctMeters: ['numbers'],
  })
}

const three = { leads: '3', 'leads:20260601:l': '3' }

test('counters that are what the log says up to where they reach have no difference', () => {
  const one = recount({ reached: 3, fields: three })
  for (const offset of [0, 1, 2, 4]) one.add(0, event(offset))
  one.add(0, event(3, { identity: 'e0' }))
  expect(one.differences(['acme'])).toEqual([])
})

test('a counter that is too high, one that is missing and members that differ are named', () => {
  const one = recount({ reached: 9, fields: { leads: '5' }, members: { numbers: ['+2'] } })
  one.add(0, event(0, { changes: [{ kind: 'join', meter: 'numbers', subject: '+1' }] }))
  expect(one.differences([])).toEqual([
    { workspace: 'acme', counter: 'leads', counted: '5', recounted: '0' },
    { workspace: 'acme', counter: 'numbers:20260601:l', counted: '0', recounted: '1' },
    { workspace: 'acme', counter: 'members numbers', counted: '+2', recounted: '+1' },
  ])
})

test('a workspace that the log names and Redis does not is compared as far as its shard reaches', () => {
  const one = recount(null)
  for (const offset of [0, 3]) one.add(0, event(offset))
  expect(one.differences([]).map(({ counter, recounted }) => [counter, recounted])).toEqual([
    ['leads', '1'],
    ['leads:20260601:l', '1'],
  ])
})

test('copies more than 72 hours apart are noted: they may have counted again', () => {
  const one = recount({ reached: 4, fields: { leads: '3' } })
  const later = (hours: number): Partial<ModelEvent> => ({ identity: 'e0', appendedAt: AT + hours * HOUR_MS })
  one.add(0, event(0))
  one.add(0, event(1))
  one.add(0, event(2, later(72)))
  expect(one.lateCopies).toEqual(new Map())
  one.add(0, event(3, later(145)))
  one.add(0, event(9, later(300)))
  expect(one.lateCopies).toEqual(new Map([['acme', 1]]))
})

test('a late copy explains the counters that it names, a level from its day on, and no other ones', () => {
  const later = { identity: 'e0', appendedAt: AT + 73 * HOUR_MS }
  const use = { kind: 'flow', meter: 'credits', day: '20260601', occurredAt: AT, units: 4 } as const
  const added = { kind: 'add', meter: 'leads', units: 1 } as const
  const changes = [added, use, { kind: 'join', meter: 'numbers', subject: '+1' } as const]
  const explained = {
    leads: '2',
    'leads:20260604:l': '2',
    'leads:20260605:l': '2',
    'credits:20260601': '8',
  }
  const others = { calls: '7', 'leads:20260603:l': '7', 'credits:20260602': '7' }
  const first = { 'leads:20260601:l': '1', 'numbers:20260601:l': '1' }
  const one = recount({ reached: 1, fields: { ...first, ...explained, ...others } })
  one.add(0, event(0, { changes }))
  one.add(0, event(1, { ...later, changes }))
  const found = one.differences(['acme'])
  const named = (mayBeCopies?: true): readonly string[] =>
    found.filter((difference) => difference.mayBeCopies === mayBeCopies).map(({ counter }) => counter)
  expect(named(true)).toEqual([...Object.keys(explained).toSorted(), 'members numbers'])
  expect(named()).toEqual(Object.keys(others).toSorted())
  expect(one.lateCopies).toEqual(new Map([['acme', 1]]))
})

test('from a snapshot on: what it covers is known and not counted again', () => {
  const one = recount({ reached: 5, fields: three }, { reached: 3, fields: { leads: '2' } })
  one.add(0, event(3))
  one.add(0, event(4, { identity: 'e3' }))
  one.add(0, event(5))
  expect(one.differences(['acme'])).toEqual([])
})

test('days that are kept elsewhere count with what the counters hold of them', () => {
  const past = { 'credits:20260401': 7 }
  const fields = { 'credits:20260401': '2', z: 'a page' }
  const one = recount({ reached: 1, fields, past, pastThrough: '20260410' })
  const use = { kind: 'flow', meter: 'credits', day: '20260401', occurredAt: AT } as const
  one.add(0, event(0, { changes: [{ ...use, units: 4 }] }))
  one.add(0, event(1, { changes: [{ ...use, units: 5 }] }))
  expect(one.differences(['acme'])).toEqual([])
})
