import { get } from '../api.js'
import { h, put } from '../dom.js'
import { minute, number, span } from '../format.js'
import { badge, empty, section, table, tile } from '../parts.js'
import { watch } from '../watch.js'

/** Behind by more than this is worth a look, ms. */
const SLOW_MS = 2_000
const heads = [
  { text: 'Partition', kind: 'first' },
  { text: 'Counted up to', kind: 'figure spare' },
  { text: 'Log end', kind: 'figure spare' },
  { text: 'Records behind', kind: 'figure spare' },
  { text: 'Append to counted', kind: 'figure' },
  { text: 'Level with the log', kind: 'figure end' },
]

/** How far counting is behind the log, by partition, and how each shard does. */
export function systemView(main, { leave }) {
  const all = h('div.stacked')
  put(main, h('div.title', {}, h('h1', {}, 'System')), all)
  const { stop } = watch(all, {
    read: (signal) => get('/v1/system', { signal }),
    show: (answer) => [tilesOf(answer), partitionsOf(answer), shardsOf(answer)],
    leave,
    bones: 6,
  })
  return stop
}

/** The sum or the most of figures; null as soon as one of them is not known, for then nobody knows. */
function overAll(figures, fold) {
  return figures.includes(null) ? null : figures.reduce(fold, 0)
}

function tilesOf({ partitions, shards, at }) {
  const behind = overAll(
    partitions.map(({ lagRecords }) => lagRecords),
    (sum, one) => sum + one,
  )
  const slowest = overAll(
    partitions.map(({ lagMs }) => lagMs),
    (most, one) => Math.max(most, one),
  )
  const ready = shards.filter(({ state }) => state === 'ready').length
  return h(
    'dl.tiles.large',
    {},
    tile('Level with the log', slowest === null ? 'unknown' : `${span(slowest)} ago`, {
      detail: slowest === null ? 'a partition has not been counted yet' : 'the slowest partition',
      kind: kindOf(slowest),
    }),
    tile('Records behind', behind === null ? 'unknown' : number(behind), {
      detail: behind === null ? 'Kafka does not say where its log ends' : 'all partitions',
      kind: behind === null ? 'warn' : 'plain',
    }),
    tile('Shards ready', shards.length === 0 ? 'unknown' : `${ready} of ${shards.length}`, {
      detail: `as of ${minute(at)}`,
      kind: ready < shards.length || shards.length === 0 ? 'bad' : 'good',
    }),
  )
}

function kindOf(lagMs) {
  if (lagMs === null) return 'warn'
  return lagMs > SLOW_MS ? 'warn' : 'good'
}

function partitionsOf({ partitions }) {
  return section('Partitions', {
    id: 'partitions',
    about:
      'Usage that is in the log and not yet in the counters. “Level with the log” is when counting last had all there was; it looks twice a second. “Append to counted” is the longest that a record took of late; – where none came within a minute.',
    body: h('div.body', {}, partitionTable(partitions)),
  }).element
}

function shardsOf({ shards }) {
  return section('Shards', {
    id: 'shards',
    about: `Each holds the counters of one of ${number(shards.length)} parts of the workspaces.`,
    body: h('div.body', {}, shardGrid(shards)),
  }).element
}

function partitionTable(partitions) {
  if (partitions.length === 0) return empty('No partitions', 'The topic usage.events is not there yet.')
  const rows = partitions.map(({ partition, position, end, lagRecords, lagMs, enforcementLagMs }) => [
    String(partition),
    number(position),
    number(end),
    lagRecords === null ? 'unknown' : number(lagRecords),
    enforcementLagMs === null ? '–' : `${number(enforcementLagMs)} ms`,
    badge(lagMs === null ? 'unknown' : `${span(lagMs)} ago`, kindOf(lagMs)),
  ])
  return table({ label: 'Lag by partition', heads, rows })
}

function shardGrid(shards) {
  return h(
    'ul.shards',
    {},
    ...shards.map(({ shard, state }) =>
      h('li', {}, h('strong', {}, String(shard)), badge(state, state === 'ready' ? 'good' : 'bad')),
    ),
  )
}
