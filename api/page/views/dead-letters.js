import { get, pathOf } from '../api.js'
import { h, put } from '../dom.js'
import { fromNow, minute, number, words } from '../format.js'
import { badge, choice, empty, field, older, section, table } from '../parts.js'
import { hashOf, keepQuery } from '../place.js'
import { watch } from '../watch.js'
import { previewsOf } from './redrive.js'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const EVERY_MS = 10_000
const spans = [
  ['1', 'last 24 hours'],
  ['7', 'last 7 days'],
  ['30', 'last 30 days'],
  ['', 'all there are'],
]
const codeHeads = [
  { text: 'Code', kind: 'first' },
  { text: 'Letters', kind: 'figure end' },
  { text: 'Newest', kind: 'later' },
  { text: 'Redrive', kind: 'figure end' },
]
const letterHeads = [
  { text: 'Refused', kind: 'later' },
  { text: 'Workspace', kind: 'first end' },
  { text: 'Why', kind: 'whole' },
  { text: 'Where it stands', kind: 'whole' },
]

/** What was refused, by code; and what sending it again would do. */
export function deadLettersView(main, { place, leave }) {
  const filters = filtersOf(place.query, () => turn(chosen))
  const codes = section('By code', {
    id: 'codes',
    about: 'A record that breaks a rule is kept whole, with the rule.',
  })
  const redrive = section('Redrive preview', {
    id: 'redrive',
    about: 'What sending them again would do. Nothing is sent from here.',
  })
  const letters = section('Newest letters', { id: 'letters' })
  const title = h('div.title', {}, h('h1', {}, 'Dead letters'))
  put(main, title, filters.element, codes.element, redrive.element, letters.element)
  let chosen = place.query.code ?? ''
  let watched = []
  const stop = () => {
    for (const one of watched) one.stop()
  }
  const keep = ({ body }, code, show, isAging = false) => {
    const read = (signal) => get(pathOf('/v1/dead-letters', { code, ...filters.asked() }), { signal })
    return watch(body, { read, show, leave, everyMs: EVERY_MS, isAging })
  }
  const turn = (code) => {
    chosen = code
    keepQuery({ code: chosen, ...filters.query() })
    stop()
    watched = [
      keep(codes, '', (answer) => codeTable(answer, chosen, turn), true),
      keep(letters, chosen, (answer) => letterTable(answer, chosen, turn)),
      keep(redrive, chosen, ({ redrives }) => previewsOf(redrives)),
    ]
  }
  turn(chosen)
  return stop
}

/** Whose letters of which time, as the address has it and as the API is asked. */
function filtersOf({ workspace = '', days = '7' }, turn) {
  const span = choice({ id: 'letters-days', onchange: turn }, spans, days)
  const plain = { placeholder: 'whole id', autocomplete: 'off', spellcheck: 'false' }
  const sought = h('input', { id: 'letters-workspace', type: 'search', value: workspace, ...plain })
  const submit = (event) => {
    event.preventDefault()
    turn()
  }
  const element = h(
    'form.card.filters.two',
    { onsubmit: submit },
    field('Workspace', sought),
    field('Refused in the', span),
    h('button', { type: 'submit' }, 'Show'),
  )
  return {
    element,
    query: () => ({ workspace: sought.value.trim(), days: span.value }),
    asked: () => ({
      workspace: sought.value.trim(),
      from: span.value === '' ? '' : daysAgo(Number(span.value)),
    }),
  }
}

/** To the minute, so that the command of the preview stays the same for as long. */
function daysAgo(days) {
  return new Date(Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - days * DAY_MS).toISOString()
}

function codeTable({ summary, isWhole }, chosen, turnTo) {
  if (summary.length === 0) return empty('No dead letters', 'Every record of this time could be counted.')
  const rows = summary.map(({ code, count, newest }) => [
    h('code', {}, code),
    number(count),
    h('time', { datetime: newest }, fromNow(newest, Date.now())),
    h(
      'button.small',
      {
        type: 'button',
        id: `preview-${code}`,
        'aria-pressed': String(code === chosen),
        'aria-label': `Preview ${words(code)}`,
        onclick: () => turnTo(code === chosen ? '' : code),
      },
      'Preview',
    ),
  ])
  return [
    h('div.stack', {}, table({ label: 'Dead letters by code', heads: codeHeads, rows })),
    !isWhole &&
      h('p.about', {}, 'There are more: the newest 2,000 letters are counted here and in the preview.'),
  ]
}

function letterTable({ letters, cursor }, chosen, turnTo) {
  if (letters.length === 0) return empty('None of these', 'No letter of this time is like that.')
  const rows = letters.map(({ workspace, code, reason, failedAt, topic, partition, offset }) => [
    h('time', { datetime: failedAt }, minute(failedAt)),
    workspace === null ? '–' : h('a', { href: hashOf({ view: 'workspace', id: workspace }) }, workspace),
    [badge(words(code), 'bad'), h('small', {}, reason)],
    h('code', {}, `${topic}/${partition}/${offset}`),
  ])
  return [
    chosen !== '' &&
      h(
        'p.about',
        {},
        `Only ${words(chosen).toLowerCase()}. `,
        h('button.small', { type: 'button', id: 'letters-all', onclick: () => turnTo('') }, 'Show all'),
      ),
    h('div.stack', {}, table({ label: 'Newest letters', heads: letterHeads, rows })),
    older(cursor !== null, letters.length),
  ]
}
