import { h } from '../../dom.js'
import { fromNow, number, words } from '../../format.js'
import { badge, bar, empty, share } from '../../parts.js'
import { accessNote } from '../../sentences.js'

/** Every limit as a bar with its figures, and what access leaves of them. */
export function limitList(limits, access, now) {
  if (limits.length === 0) return empty('No limits', 'The catalogue has no feature with a limit.')
  const note = accessNote(access)
  return [
    note !== null && h('p.about', {}, note),
    h('ul.limits', {}, ...limits.map((limit) => h('li', {}, ...limitOf(limit, access, now)))),
  ]
}

function limitOf(one, access, now) {
  const { feature, limit, used, held, remaining, resetsAt, mode, source, planVersion } = one
  const name = words(feature)
  const isSold = one.on && source !== 'none'
  const isOpen = isSold && (access === 'active' || (access === 'lapsed' && mode === 'allow'))
  const origin = source === 'override' ? 'set by an override' : planVersion && `plan version ${planVersion}`
  const facts = [
    isOpen && limit !== null && `${number(remaining)} left`,
    isOpen && resetsAt !== null && `new allowance ${fromNow(resetsAt, now)}`,
    origin,
  ]
  return [
    h(
      'div.limit-head',
      {},
      h('span.limit-name', {}, name),
      !isSold && badge('not in the plan', 'plain'),
      held > 0 && badge(`${number(held)} held`, 'info'),
      h(
        'span.figures',
        {},
        h(
          'span',
          {},
          h('strong', {}, number(used)),
          !isSold || limit === null ? ' used' : ` of ${number(limit)}`,
        ),
        isSold && share(used, limit),
      ),
    ),
    isSold && bar({ name, used, held, limit }),
    h('p.about', {}, facts.filter(Boolean).join(' · ')),
  ]
}

/** Every switch: part of the plan or not. */
export function switchList(switches) {
  if (switches.length === 0) return null
  const chips = switches.map(({ feature, on }) =>
    h(
      `li.chip${on ? '.on' : ''}`,
      {},
      h('span', { 'aria-hidden': 'true' }, on ? '✓' : '–'),
      words(feature),
      h('span.unseen', {}, on ? ': on' : ': off'),
    ),
  )
  return [h('h3', {}, 'Switches'), h('ul.chips', {}, ...chips)]
}
