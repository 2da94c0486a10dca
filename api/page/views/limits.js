import { get, pathOf } from '../api.js'
import { h, put } from '../dom.js'
import { minute, number, words } from '../format.js'
import { bar, choice, empty, field, fill, section, share, table, tile } from '../parts.js'
import { hashOf, keepQuery } from '../place.js'
import { watch } from '../watch.js'

/** Pages that are read at most; there are more where the list says so. */
const PAGES_MAX = 4
/** How long typing must have paused before the API is asked, ms. */
const SEARCH_AFTER_MS = 250
const shares = [
  ['100', 'at the limit'],
  ['80', '80 % and more'],
  ['50', '50 % and more'],
]
const heads = [
  { text: 'Workspace', kind: 'first' },
  { text: 'Feature', kind: 'end' },
  { text: 'Use', kind: 'meter whole' },
  { text: 'Used of limit', kind: 'figure' },
  { text: 'Share', kind: 'figure end' },
]

/** Workspaces nearest to a limit, the fullest first. */
export function limitsView(main, { place, leave }) {
  const filters = filtersOf(place.query, { changed: () => turn(), typed: () => narrow() })
  const tiles = h('div', { id: 'limits-tiles' })
  const list = section('Nearest to a limit', {
    id: 'limits',
    about:
      'The fullest first. Features without a limit and workspaces whose access has lapsed are not listed.',
  })
  put(main, h('div.title', {}, h('h1', {}, 'Limits')), tiles, filters.element, list.element)
  let last = null
  let watched = null
  let asking = 0
  const show = (answer) => {
    last = answer
    const { atLeast, search } = filters.query()
    put(tiles, tilesOf(answer, Number(atLeast)))
    return listOf(answer, search)
  }
  /** What is here is narrowed at once; others of that name may be further down. */
  const narrow = () => {
    keepQuery(filters.query())
    if (last !== null) put(list.body, listOf(last, filters.query().search))
    clearTimeout(asking)
    asking = setTimeout(() => void watched?.now(), SEARCH_AFTER_MS)
  }
  const turn = () => {
    keepQuery(filters.query())
    last = null
    watched?.stop()
    const read = (signal) => readRows(filters.query(), signal)
    watched = watch(list.body, { read, show, leave, bones: 6 })
  }
  turn()
  return () => {
    clearTimeout(asking)
    watched?.stop()
  }
}

/** What the list is narrowed by, as the address has it. */
function filtersOf({ feature = '', search = '', atLeast = '50' }, { changed, typed }) {
  let wanted = feature
  const choose = () => {
    wanted = features.value
    changed()
  }
  const features = choice({ id: 'limits-feature', onchange: choose }, [['', 'every feature']], '')
  const least = choice({ id: 'limits-least', onchange: changed }, shares, atLeast)
  const text = { value: search, placeholder: 'part of its id', maxlength: '64', oninput: typed }
  const plain = { autocomplete: 'off', spellcheck: 'false' }
  const sought = h('input', { id: 'limits-search', type: 'search', ...text, ...plain })
  const open = h(
    'form.open',
    { onsubmit: (event) => openWorkspace(event, sought.value) },
    field('Workspace', sought),
    h('button', { type: 'submit' }, 'Open'),
  )
  get('/v1/catalogue').then(
    ({ catalogue }) => {
      const offered = limited(catalogue)
      // One that a link names and the catalogue has no more can still be seen, and left.
      if (feature !== '' && offered.every(([key]) => key !== feature)) offered.push([feature, words(feature)])
      fill(features, [['', 'every feature'], ...offered], feature)
    },
    () => {},
  )
  return {
    element: h('div.card.filters', {}, open, field('Feature', features), field('Share', least)),
    query: () => ({ feature: wanted, atLeast: least.value, search: sought.value.trim() }),
  }
}

function limited({ features }) {
  return Object.entries(features)
    .filter(([, { kind }]) => kind !== 'switch')
    .map(([key]) => [key, words(key)])
}

function openWorkspace(event, id) {
  event.preventDefault()
  if (id.trim() !== '') location.hash = hashOf({ view: 'workspace', id: id.trim() })
}

/** The first pages of the list, as one. */
async function readRows({ feature, atLeast, search }, signal) {
  const rows = []
  let cursor = null
  let asOf = null
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await get(pathOf('/v1/usage', { feature, atLeast, search, cursor }), { signal })
    rows.push(...answer.usage)
    asOf = answer.asOf
    cursor = answer.cursor
    if (cursor === null) break
  }
  // Listed by what they were when they were last judged, shown by what they are.
  return { rows: rows.toSorted((a, b) => b.percent - a.percent), asOf, cursor }
}

/** How many are how full; with a plus where some of those were not read, which is not good news for being none. */
function tilesOf({ rows, cursor }, atLeast) {
  // A cursor is the share of the last that was read, percent: what follows is no fuller.
  const unread = cursor === null ? 0 : Number(cursor)
  const figure = (count, from) => `${number(count)}${unread >= from ? '+' : ''}`
  const workspaces = (name, { from, to, kind }) => {
    const found = rows.filter(({ percent }) => percent >= from && percent < to)
    const count = new Set(found.map(({ workspace }) => workspace)).size
    const none = unread >= from ? 'plain' : 'good'
    return tile(name, figure(count, from), { detail: 'workspaces', kind: count > 0 ? kind : none })
  }
  return h(
    'dl.tiles.large',
    {},
    workspaces('At or over a limit', { from: 100, to: Number.POSITIVE_INFINITY, kind: 'bad' }),
    atLeast < 100 && workspaces('From 80 % to the limit', { from: 80, to: 100, kind: 'warn' }),
    tile('Listed', `${number(rows.length)}${cursor === null ? '' : '+'}`, { detail: 'limits' }),
  )
}

function listOf({ rows, asOf, cursor }, search) {
  const found = rows.filter(({ workspace }) => workspace.toLowerCase().includes(search.trim().toLowerCase()))
  const about = [
    asOf === null ? '' : `Figures as of ${minute(asOf)}.`,
    cursor === null
      ? ''
      : `The fullest ${number(rows.length)} are listed; choose a feature to see more of it.`,
  ]
  if (found.length === 0) return nothing(search)
  const cells = found.map(({ workspace, feature, used, limit }) => [
    h(
      'a',
      {
        href: hashOf({ view: 'workspace', id: workspace, query: { feature } }),
        id: `row-${workspace}-${feature}`,
      },
      workspace,
    ),
    words(feature),
    bar({ name: words(feature), used, limit }),
    `${number(used)} of ${number(limit)}`,
    share(used, limit),
  ])
  return [
    h('div.stack', {}, table({ label: 'Workspaces nearest to a limit', heads, rows: cells })),
    h('p.about', {}, about.join(' ')),
  ]
}

function nothing(search) {
  if (search !== '')
    return empty('None of these is called so', 'Open goes to the workspace of exactly this id.')
  return empty('Nobody is that close to a limit', 'Below 50 % nobody is listed; open a workspace by its id.')
}
