import { get, Problem, post } from '../../api.js'
import { h, put } from '../../dom.js'
import { fromNow, money, number, words } from '../../format.js'
import { badge, bar, failure, field, fill, loading, section } from '../../parts.js'
import { wayOut } from '../../sentences.js'

/** Another plan or other seats over the real use: what would be denied then, and what it would cost. */
export function whatIfPart(workspace, { leave }) {
  const { plan, seats } = wishOf()
  const answer = h('div.answer', { id: 'what-if-answer', 'aria-live': 'polite' })
  /** What is in force stands in the form, or somebody has begun to change it. */
  let isBegun = false
  let asking = new AbortController()
  const submit = async (event) => {
    event.preventDefault()
    asking.abort()
    asking = new AbortController()
    const { signal } = asking
    put(answer, loading(2))
    const wish = { workspace, plan: plan.value, seats: Number(seats.value) }
    const priced = post('/v1/quote', wish, { signal }).catch((problem) => problem)
    await post('/v1/what-if', wish, { signal }).then(
      async (result) => {
        const price = priceOf(await priced)
        if (!signal.aborted) put(answer, ...consequences(result), price)
      },
      (problem) =>
        signal.aborted || (problem.code === 'unauthenticated' ? leave() : put(answer, failure(problem))),
    )
  }
  const begin = () => {
    isBegun = true
  }
  const form = h(
    'form.fields',
    { onsubmit: submit, oninput: begin },
    field('Plan', plan),
    field('Seats', seats),
    h('button.main', { type: 'submit' }, 'Try'),
  )
  const part = section('What if?', {
    id: 'what-if',
    about: 'Another plan or other seats over today’s use. Nothing is changed.',
    body: h('div.body', {}, form, answer),
  })
  return {
    element: part.element,
    /**
     * Begins with what is in force, once the plans are known; asked again until they are. Undefined: what is in force is
     * not known now, any plan can be tried all the same.
     */
    startFrom: (current) => {
      if (isBegun) return
      get('/v1/catalogue').then(
        ({ catalogue }) => {
          if (isBegun) return
          isBegun = current !== undefined
          if (!isBegun && plan.options.length > 0) return
          seats.value = String(current?.seats ?? 1)
          fill(plan, plansOf(catalogue), current?.plan)
          put(answer)
        },
        (problem) => put(answer, failure(problem)),
      )
    },
  }
}

/** The fields of a wish. */
function wishOf() {
  const number = { min: '1', max: '100000', required: true, value: '1', inputmode: 'numeric' }
  return {
    plan: h('select', { id: 'what-if-plan' }),
    seats: h('input', { id: 'what-if-seats', type: 'number', ...number }),
  }
}

function plansOf({ plans }) {
  return Object.entries(plans)
    .toSorted(([, a], [, b]) => a.rank - b.rank)
    .map(([key]) => [key, words(key)])
}

function consequences({ denied, unknown }) {
  if (unknown.length > 0)
    return [failure({ code: 'unavailable', message: 'Its counters cannot be read now. Try again.' })]
  if (denied.length === 0)
    return [
      h(
        'div.verdict.good',
        {},
        h('p.verdict-head', {}, h('strong', {}, 'Nothing more would be denied')),
        h('p', {}, 'All that is used today fits.'),
      ),
    ]
  return [
    h(
      'div.verdict.bad',
      {},
      h('p.verdict-head', {}, h('strong', {}, `${number(denied.length)} would be denied`)),
      h('p', {}, 'One more of each of these. What is there stays.'),
    ),
    h('ul.limits', {}, ...denied.map(denialOf)),
  ]
}

function denialOf({ feature, reason, limit, limitNow, used, since, unblock }) {
  const figures = limit === null ? '' : `${number(used)} of ${number(limit)}`
  return h(
    'li',
    {},
    h(
      'div.limit-head',
      {},
      h('span.limit-name', {}, words(feature)),
      badge(words(reason), 'bad'),
      h('span.figures', {}, figures),
    ),
    limit !== null && bar({ name: words(feature), used, limit }),
    h(
      'p.about',
      {},
      [
        limit !== null && `limit today ${limitNow === null ? 'none' : number(limitNow)}`,
        fromNow(since, Date.now()),
        ...unblock.slice(0, 2).map(wayOut),
      ]
        .filter(Boolean)
        .join(' · '),
    ),
  )
}

function priceOf(priced) {
  if (priced instanceof Problem)
    return priced.code === 'unauthenticated' ? null : h('p.about', {}, `No price: ${priced.message}`)
  return h('p.about', {}, `Bought now it would cost ${money(priced.totalMinor, priced.currency)}.`)
}
