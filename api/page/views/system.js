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
  { text: 'Records behind', kind: 'figure' },
  { text: 'Lag', kind: 'figure' },
]

/** How far counting is behind the log, by partition, and how each shard does. */
export function systemView(main, { leave }) {
  const tiles = h('div', { id: 'system-tiles' })
  const lag = section('Partitions', {
    id: 'partitions',
    about: 'Usage that is in the log and not yet in the counters.',
  })
  const shards = section('Shards', {
    id: 'shards',
    about: 'Each holds the counters of a sixteenth of the workspaces.',
  })
  put(main, h('div.title', {}, h('h1', {}, 'System')), tiles, lag.element, shards.element)
  const { stop } = watch(lag.body, {
    read: (signal) => get('/v1/system', { signal }),
    show: (answer) => {
      put(tiles, tilesOf(answer))
      put(shards.body, shardGrid(answer.shards))
      return partitionTable(answer.partitions)
    },
    leave,
    bones: 6,
  })
  return stop
}

function tilesOf({ partitions, shards, at }) {
  const behind = partitions.reduce((sum, { lagRecords }) => sum + (lagRecords ?? 0), 0)
  const slowest = Math.max(0, ...partitions.map(({ lagMs }) => lagMs ?? 0))
  const ready = shards.filter(({ state }) => state === 'ready').length
  return h(
    'dl.tiles.large',
    {},
    tile('Enforcement lag', span(slowest), {
      detail: 'of the slowest partition',
      kind: slowest > SLOW_MS ? 'warn' : 'good',
    }),
    tile('Records behind', number(behind), { detail: 'all partitions' }),
    tile('Shards ready', `${ready} of ${shards.length}`, {
      detail: `as of ${minute(at)}`,
      kind: ready < shards.length ? 'bad' : 'good',
    }),
  )
}

function partitionTable(partitions) {
  if (partitions.length === 0) return empty('No partitions', 'The topic usage.events is not there yet.')
  const rows = partitions.map(({ partition, position, end, lagRecords, lagMs }) => [
    String(partition),
    number(position),
    number(end),
    number(lagRecords),
    badge(span(lagMs), lagMs === null ? 'plain' : lagMs > SLOW_MS ? 'warn' : 'good'),
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
