import { get, pathOf, workspacePath } from '../../api.js'
import { h } from '../../dom.js'
import { inWords, minute, number, words } from '../../format.js'
import { badge, empty, older, section } from '../../parts.js'
import { watch } from '../../watch.js'

const SHOWN_MAX = 30
/** Of a busy workspace the sampled allows alone fill pages. */
const PAGES_MAX = 12

/** Denials of the last day by minute, each with its sentence and a way to ask about it anew. */
export function decisionsPart(workspace, { leave, ask }) {
  const part = section('Denied in the last 24 hours', {
    id: 'decisions',
    about: 'By minute, feature and reason; some seconds behind.',
  })
  const watched = watch(part.body, {
    read: (signal) => readDenials(workspacePath(workspace, '/decisions'), signal),
    show: (answer) => list(answer, ask),
    leave,
    everyMs: 10_000,
  })
  return { element: part.element, stop: watched.stop }
}

/** Reads back in time until there are as many denials as are shown, or no more; `cursor` where it stopped before. */
async function readDenials(path, signal) {
  const denials = []
  let [to, from] = [null, null]
  for (let page = 0; page < PAGES_MAX && denials.length <= SHOWN_MAX; page += 1) {
    const answer = await get(pathOf(path, { to, from }), { signal })
    denials.push(...answer.decisions.filter(({ sampled }) => !sampled))
    from ??= answer.from
    to = answer.cursor
    if (to === null) break
  }
  return { denials, cursor: to }
}

function list({ denials, cursor }, ask) {
  if (denials.length === 0) return nothing(cursor)
  const rows = denials
    .slice(0, SHOWN_MAX)
    .map(({ minute: at, feature, reason, count, last, allowed }, index) =>
      h(
        'li',
        {},
        badge(words(reason), allowed ? 'warn' : 'bad'),
        h(
          'span.grow',
          {},
          h('strong', {}, words(feature)),
          ` ${number(count)}×`,
          h('small', {}, inWords(last.why)),
        ),
        h(
          'span.row-end',
          {},
          h('time', { datetime: at }, minute(at)),
          h(
            'button.small',
            {
              type: 'button',
              id: `denial-${index}`,
              onclick: () => ask({ feature, quantity: last.quantity, at: last.at }),
              'aria-label': `Explain ${words(feature)} at ${minute(at)}`,
            },
            'Explain',
          ),
        ),
      ),
    )
  return [
    h('ul.rows.scroll', { id: 'denials', tabindex: '0', 'aria-label': 'Denials' }, ...rows),
    older(cursor !== null || denials.length > SHOWN_MAX, rows.length),
  ]
}

function nothing(cursor) {
  if (cursor === null) return empty('Nothing was denied', 'No request of the last 24 hours got a no.')
  return empty(`Nothing was denied since ${minute(cursor)}`, 'The API has what is older.')
}
