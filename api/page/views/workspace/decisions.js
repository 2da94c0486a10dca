import { get, workspacePath } from '../../api.js'
import { h } from '../../dom.js'
import { inWords, minute, number, words } from '../../format.js'
import { badge, empty, older, section } from '../../parts.js'
import { watch } from '../../watch.js'

const SHOWN_MAX = 30

/** Denials of the last day by minute, each with its sentence and a way to ask about it anew. */
export function decisionsPart(workspace, { leave, ask }) {
  const part = section('Denied in the last 24 hours', {
    id: 'decisions',
    about: 'By minute, feature and reason; some seconds behind.',
  })
  const watched = watch(part.body, {
    read: (signal) => get(workspacePath(workspace, '/decisions'), { signal }),
    show: (answer) => list(answer, ask),
    leave,
    everyMs: 10_000,
  })
  return { element: part.element, stop: watched.stop }
}

function list({ decisions, cursor }, ask) {
  const denials = decisions.filter(({ sampled }) => !sampled)
  if (denials.length === 0) return nothing(cursor !== null)
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
    )
  return [
    h('ul.rows.scroll', { id: 'denials', tabindex: '0', 'aria-label': 'Denials' }, ...rows),
    older(cursor !== null || denials.length > SHOWN_MAX, rows.length),
  ]
}

function nothing(hasMore) {
  const detail = hasMore
    ? 'None of the newest decisions is a no; the API has the older ones.'
    : 'No request of the last 24 hours got a no.'
  return empty('Nothing was denied', detail)
}
