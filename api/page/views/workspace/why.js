import { post } from '../../api.js'
import { h, put } from '../../dom.js'
import { minute, percentOf, stepInWords, words } from '../../format.js'
import { badge, bar, choice, failure, field, fill, loading, section } from '../../parts.js'
import { sentenceOf, stepName, wayOut } from '../../sentences.js'

const intents = [
  ['add', 'add to it'],
  ['use', 'use it'],
  ['read', 'read it'],
]

/** The last that is written with a year of four digits, as the API reads it. */
const LAST = '9999-12-31T23:59:59.999'

const UNKNOWN = { code: 'unavailable', message: 'The features are not known yet. Try again in a moment.' }

/** Asks the API to decide, and shows how it came to its answer; nothing is counted by asking. */
export function whyPart(workspace, { feature, leave }) {
  const question = questionOf()
  const answer = h('div.answer', { id: 'why-answer', 'aria-live': 'polite' })
  let asking = new AbortController()
  const submit = async (event) => {
    event?.preventDefault()
    asking.abort()
    asking = new AbortController()
    const { signal } = asking
    if (!question.isTimeKnown())
      return put(answer, failure({ code: 'unknown_time', message: 'A year has four digits.' }))
    if (question.asked().feature === '') return put(answer, failure(UNKNOWN))
    put(answer, loading(3))
    await post('/v1/check', { workspace, ...question.asked(), explain: true }, { signal }).then(
      (decision) => signal.aborted || put(answer, ...explained(decision)),
      (problem) =>
        signal.aborted || (problem.code === 'unauthenticated' ? leave() : put(answer, failure(problem))),
    )
  }
  const form = h('form.fields', { onsubmit: submit }, ...question.fields)
  const part = section('Why is this denied?', {
    id: 'why',
    about: 'Asks anew and shows each step. Asking uses nothing up and is not among the denials.',
    body: h('div.body', {}, form, answer),
  })
  return {
    element: part.element,
    offer: (entitlements) => question.offer(entitlements, feature),
    /** Fills the form in and asks: why was it so then? */
    ask: (denial) => {
      question.fillIn(denial)
      part.element.scrollIntoView({ block: 'start' })
      answer.tabIndex = -1
      answer.focus({ preventScroll: true })
      return submit()
    },
  }
}

/** The fields of a question, and what stands in them. */
function questionOf() {
  const feature = h('select', { id: 'why-feature', name: 'feature' })
  const intent = choice({ id: 'why-intent' }, intents, 'add')
  const number = { min: '0', max: '1000000000', value: '1', required: true, inputmode: 'numeric' }
  const quantity = h('input', { id: 'why-quantity', type: 'number', ...number })
  const text = { maxlength: '128', placeholder: 'optional', autocomplete: 'off' }
  const subject = h('input', { id: 'why-subject', type: 'text', ...text })
  const at = h('input', { id: 'why-at', type: 'datetime-local', step: '0.001', max: LAST })
  return {
    fields: [
      field('Feature', feature),
      field('To', intent),
      field('Quantity', quantity),
      field('Resource', subject),
      field('At (UTC)', at, { isWide: true }),
      h('button.main', { type: 'submit' }, 'Explain'),
    ],
    isTimeKnown: () => at.value === '' || !Number.isNaN(Date.parse(`${at.value}Z`)),
    asked: () => ({
      feature: feature.value,
      quantity: Number(quantity.value),
      intent: intent.value,
      ...(subject.value === '' ? {} : { subject: subject.value }),
      // The field leaves out seconds and last digits that are 0.
      ...(at.value === '' ? {} : { at: new Date(`${at.value}Z`).toISOString() }),
    }),
    /** Offers the features there are, once known. */
    offer: (entitlements, wanted) => {
      if (feature.options.length > 0) return
      const first = entitlements.find((one) => one.feature === wanted) ?? fullest(entitlements)
      fill(
        feature,
        entitlements.map((one) => [one.feature, words(one.feature)]),
        first?.feature,
      )
    },
    /**
     * A denial of the list says neither what it was for nor of which resource, so nothing of an earlier question may
     * stay.
     */
    fillIn: (denial) => {
      const offered = [...feature.options].map(({ value, text }) => [value, text])
      const isOffered = offered.some(([value]) => value === denial.feature)
      if (!isOffered) offered.push([denial.feature, words(denial.feature)])
      fill(feature, offered, denial.feature)
      intent.value = 'add'
      subject.value = ''
      quantity.value = String(denial.quantity)
      at.value = denial.at.replace('Z', '')
    },
  }
}

/** The feature that is closest to its limit. */
function fullest(entitlements) {
  const rank = ({ limit, used }) => (limit === null ? 0 : percentOf(used, limit))
  return entitlements.toSorted((a, b) => rank(b) - rank(a))[0]
}

function explained(decision) {
  const { allowed, reason, feature, quantity, unblock, trace = [] } = decision
  const { used, held, limit } = decision
  return [
    h(
      `div.verdict.${allowed ? 'good' : 'bad'}`,
      {},
      h(
        'p.verdict-head',
        {},
        h('strong', {}, allowed ? 'Allowed' : 'Denied'),
        badge(words(reason), allowed ? 'good' : 'bad'),
      ),
      h('p', {}, sentenceOf(decision)),
      limit !== null && bar({ name: words(feature), used, held, asked: quantity, limit }),
    ),
    unblock.length > 0 && [
      h('h3', {}, unblock.length === 1 ? 'What would help' : 'Any one of these would help'),
      h('ul.ways', {}, ...unblock.map((way) => h('li', {}, wayOut(way)))),
    ],
    h('h3', {}, 'How this was decided'),
    h(
      'ol.trace',
      {},
      ...trace.map((one) =>
        h('li', {}, h('strong', {}, stepName(one.step)), h('span', {}, stepInWords(one))),
      ),
    ),
    h('p.about', {}, standOf(decision)),
  ]
}

/** How far what was decided by is right; what is kept of a past moment does not grow old. */
function standOf({ exact, asOf, degraded, trace = [] }) {
  if (trace.some(({ step }) => step === 'history')) return 'From what is kept of that time.'
  if (asOf === null) return ''
  const accuracy = degraded ? 'decided by rule' : exact ? 'exact' : 'not exact'
  return `As of ${minute(asOf)}, ${accuracy}.`
}
