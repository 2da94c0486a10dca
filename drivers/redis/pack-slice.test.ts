import { Packr } from 'msgpackr'
import { expect, test } from 'vitest'
import type { SliceEvent } from './apply.ts'
import { shardKeys } from './keys.ts'
import { packSlice, SliceBuilder } from './pack-slice.ts'

const NOON = Date.UTC(2026, 10, 23, 12)
const keys = shardKeys(3)
const head = {
  keys,
  incarnation: '7',
  partition: 2,
  known: 9,
  upto: 40,
  at: NOON,
  seen: null,
  nonce: 'n',
  hasThresholds: false,
}

function event(offset: number, workspace: string, more: Partial<SliceEvent> = {}): SliceEvent {
  return {
    offset,
    workspace,
    occurredAt: NOON,
    appendedAt: NOON + offset,
    dedupe: { member: `m${offset}`, subShard: 5 },
    changes: [{ kind: 'add', meter: 'leads', units: offset }],
    reservation: null,
    isVoid: false,
    ...more,
  }
}

function unpacked(events: readonly SliceEvent[], hasThresholds = false) {
  const { keys: names, args } = packSlice({ ...head, hasThresholds, events })
  const [workspaces, counts, stream, kinds, sizes, ids, owners, buckets, thresholds, reservations, ...from] =
    new Packr({ useRecords: false }).unpack(Buffer.from(args[7] as Buffer))
  const arrays = { workspaces, counts, stream, kinds, sizes, ids, owners, buckets, thresholds, reservations }
  return { names, ...arrays, from }
}

test('a mark names the four keys of its shard and no events', () => {
  const { keys: names, args } = packSlice({ ...head, events: [] })
  expect(names).toEqual([keys.meta, keys.buckets, keys.dirty, keys.judge])
  expect(args).toEqual(['7', 2, 9, 40, NOON, '', 'n', ''])
})

test('events stand workspace by workspace, in their order, and say their kind of change by number', () => {
  const packed = unpacked([event(10, 'a'), event(12, 'b'), event(15, 'a')])
  expect(packed.workspaces).toEqual(['a', 'b'])
  expect(packed.counts).toEqual([2, 1])
  expect(packed.stream).toEqual([0, 0, 1, 1, 10, 0, 5, 5, 1, 1, 15, 0, 2, 2, 1, 1, 12, 0])
  expect(packed.kinds).toEqual([['add', 'leads', 'leads:20261123:l', 0, false, 0]])
  expect(packed.from).toEqual([10, NOON + 10])
  expect(packed.names.slice(4)).toEqual([keys.usage('a'), keys.usage('b'), keys.dedupe('20261123', 5)])
})

test('ids stand set by set with the numbers of their events; a void event has none', () => {
  const packed = unpacked([
    event(10, 'a'),
    event(11, 'a', { dedupe: { member: 'other', subShard: 6 } }),
    event(12, 'a', { isVoid: true, changes: [], dedupe: { member: '', subShard: 0 } }),
    event(13, 'b'),
  ])
  expect(packed.sizes).toEqual([2, 1])
  expect(packed.ids).toEqual(['m10', 'm13', 'other'])
  expect(packed.owners).toEqual([0, 3, 1])
  expect(packed.buckets).toEqual(['20261123'])
})

test('places of member sets, holds and thresholds are places in the keys', () => {
  const packed = unpacked(
    [
      event(10, 'a', { changes: [{ kind: 'join', meter: 'numbers', subject: '+1' }] }),
      event(11, 'b', { reservation: { operation: 'op', item: 1 } }),
    ],
    true,
  )
  const keyAt = (place: number): string | undefined => packed.names[place - 1]
  const [, , , members, , holds] = packed.kinds[0]
  expect([members, holds].map(keyAt)).toEqual([keys.members('a', 'numbers'), keys.holds('a')])
  expect(packed.kinds[1].slice(3)).toEqual([0, false, 0])
  expect(packed.thresholds.map(keyAt)).toEqual([keys.thresholds('a'), keys.thresholds('b')])
  const [number, [o, a, due, ...rest]] = packed.reservations
  expect(number).toBe(1)
  expect([o, a, due].map(keyAt)).toEqual([keys.holds('b'), keys.operation('b', 'op'), keys.due])
  expect(rest).toEqual(['b/op', 'op', 1, ['leads']])
})

test('kinds differ by day, meter, direction and statement', () => {
  const stated = { kind: 'set', meter: 'leads', units: 4, isStated: true } as const
  const flow = { kind: 'flow', meter: 'credits', units: 1, occurredAt: NOON } as const
  const packed = unpacked([
    event(10, 'a', { changes: [{ ...flow, day: '20261123' }] }),
    event(11, 'a', { changes: [{ ...flow, day: '20261123' }] }),
    event(12, 'a', { changes: [{ ...flow, day: '20261122' }] }),
    event(13, 'a', { changes: [stated] }),
    event(14, 'a', { changes: [{ kind: 'set', meter: 'leads', units: 4 }] }),
    event(15, 'a', { appendedAt: NOON + 86_400_000 }),
    event(16, 'a'),
  ])
  expect(packed.kinds).toEqual([
    ['flow', 'credits:20261123', 'credits:20261123:b', 0, false, 0],
    ['flow', 'credits:20261122', 'credits:20261122:b', 0, false, 0],
    ['set', 'leads', 'leads:20261123:l', 0, true, 0],
    ['set', 'leads', 'leads:20261123:l', 0, false, 0],
    ['add', 'leads', 'leads:20261124:l', 0, false, 0],
    ['add', 'leads', 'leads:20261123:l', 0, false, 0],
  ])
  expect(packed.stream.filter((_: unknown, index: number) => index % 6 === 3)).toEqual([1, 1, 2, 3, 4, 5, 6])
})

test('only events that state a count are kept', () => {
  const builder = new SliceBuilder(head)
  const stating = event(11, 'a', {
    changes: [{ kind: 'members', meter: 'numbers', subjects: [], isStated: true }],
  })
  for (const one of [event(10, 'a'), stating, event(12, 'a')]) builder.add(one)
  expect([builder.size, builder.last, builder.stated]).toEqual([3, 12, [stating]])
})
