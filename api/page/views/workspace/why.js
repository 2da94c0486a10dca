import { post } from '../../api.js'
import { h, put } from '../../dom.js'
import { inWords, minute, words } from '../../format.js'
import { badge, bar, choice, failure, field, fill, loading, section } from '../../parts.js'
import { sentenceOf, stepName, wayOut } from '../../sentences.js'

const intents = [
  ['add', 'add to it'],
  ['use', 'use it'],
  ['read', 'read it'],
]

/** Asks the API to decide, and shows how it came to its answer; nothing is counted by asking. */
export function whyPart(workspace, { feature, leave }) {
  const chosen = h('select', { id: 'why-feature', name: 'feature' })
  const intent = choice({ id: 'why-intent' }, intents, 'add')
  const quantity = h('input', {
    id: 'why-quantity',
    type: 'number',
    min: '0',
    max: '1000000000',
    value: '1',
    required: true,
    inputmode: 'numeric',
  })
  const subject = h('input', {
    id: 'why-subject',
    type: 'text',
    maxlength: '128',
    placeholder: 'optional',
    autocomplete: 'off',
  })
  const at = h('input', { id: 'why-at', type: 'datetime-local', step: '0.001' })
  const answer = h('div.answer', { id: 'why-answer', 'aria-live': 'polite' })
  const submit = async (event) => {
    event?.preventDefault()
    put(answer, loading(3))
    const asked = {
      workspace,
      feature: chosen.value,
      quantity: Number(quantity.value),
      intent: intent.value,
      ...(subject.value === '' ? {} : { subject: subject.value }),
      ...(at.value === '' ? {} : { at: `${at.value.length === 16 ? `${at.value}:00` : at.value}Z` }),
      explain: true,
    }
    await post('/v1/check', asked).then(
      (decision) => put(answer, ...explained(decision)),
      (problem) => (problem.code === 'unauthenticated' ? leave() : put(answer, failure(problem))),
    )
  }
  const form = h(
    'form.fields',
    { onsubmit: submit },
    field('Feature', chosen),
    field('To', intent),
    field('Quantity', quantity),
    field('Resource', subject),
    field('At (UTC)', at, { isWide: true }),
    h('button.main', { type: 'submit' }, 'Explain'),
  )
  const part = section('Why is this denied?', {
    id: 'why',
    about: 'Asks anew and shows each step. Asking uses nothing up and is not among the denials.',
    body: h('div.body', {}, form, answer),
  })
  return {
    element: part.element,
    /** Offers the features there are, once known. */
    offer: (entitlements) => {
      if (chosen.options.length > 0) return
      const first = entitlements.find((one) => one.feature === feature) ?? fullest(entitlements)
      fill(
        chosen,
        entitlements.map((one) => [one.feature, words(one.feature)]),
        first?.feature,
      )
    },
    /**
     * Fills the form in and asks: why was it so then? A denial of the list says neither what it was for nor of which
     * resource, so nothing of an earlier question may stay.
     */
    ask: (asked) => {
      chosen.value = asked.feature
      intent.value = 'add'
      subject.value = ''
      quantity.value = String(asked.quantity)
      at.value = asked.at.replace('Z', '')
      part.element.scrollIntoView({ block: 'start' })
      answer.tabIndex = -1
      answer.focus({ preventScroll: true })
      return submit()
    },
  }
}

/** The feature that is closest to its limit. */
function fullest(entitlements) {
  const rank = ({ limit, used }) => (limit === null || limit === 0 ? 0 : used / limit)
  return entitlements.toSorted((a, b) => rank(b) - rank(a))[0]
}

function explained(decision) {
  const { allowed, reason, feature, quantity, unblock, trace = [], exact, asOf, degraded } = decision
  const { used, held, limit } = decision
  const accuracy = degraded ? 'decided by rule' : exact ? 'exact' : 'not exact'
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
      ...trace.map(({ step, detail }) =>
        h('li', {}, h('strong', {}, stepName(step)), h('span', {}, inWords(detail))),
      ),
    ),
    asOf !== null && h('p.about', {}, `As of ${minute(asOf)}, ${accuracy}.`),
  ]
}
