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

function limitOf(
  { feature, on, limit, unlimited, used, held, remaining, resetsAt, mode, source, planVersion },
  access,
  now,
) {
  const isOpen = access === 'active' || (access === 'lapsed' && mode === 'allow')
  const bound = unlimited ? null : limit
  const name = words(feature)
  const origin = source === 'override' ? 'set by an override' : planVersion && `plan version ${planVersion}`
  const facts = [
    bound === null || !isOpen ? null : `${number(remaining)} left`,
    resetsAt === null || !isOpen ? null : `new allowance ${fromNow(resetsAt, now)}`,
    origin,
  ]
  return [
    h(
      'div.limit-head',
      {},
      h('span.limit-name', {}, name),
      !on && badge('not in the plan', 'plain'),
      held > 0 && badge(`${number(held)} held`, 'info'),
      h(
        'span.figures',
        {},
        h('span', {}, h('strong', {}, number(used)), bound === null ? ' used' : ` of ${number(bound)}`),
        share(used, bound),
      ),
    ),
    bar({ name, used, held, limit: bound }),
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
