import { h, put } from './dom.js'
import { levelOf, number, percentOf } from './format.js'

/** A part of a view with its heading; what comes and goes stands in its body. */
export function section(title, { id, about = null, tools = [], body = h('div.body', { id: `${id}-body` }) }) {
  const heading = h('h2', { id }, title)
  const head = h('div.section-head', {}, h('div', {}, heading, about && h('p.about', {}, about)), ...tools)
  return { element: h('section.card', { 'aria-labelledby': id }, head, body), body }
}

/** What stands there until the first answer. */
export function loading(rows = 4) {
  const lines = Array.from({ length: rows }, (_, index) =>
    h('div.bone', { vars: { wide: `${92 - index * 13}%` } }),
  )
  return h('div.bones', { role: 'status' }, h('span.unseen', {}, 'Loading'), ...lines)
}

/** What stands there when there is nothing to show, and why that is so. */
export function empty(title, detail, ...more) {
  return h('div.empty', {}, h('p.empty-title', {}, title), detail && h('p', {}, detail), ...more)
}

/**
 * What stands there when it could not be read.
 *
 * @param {any} problem
 * @param {string} [next] what happens now, where nothing more is known: a form is not sent again by itself
 */
export function failure(problem, next = 'Try again in a moment.') {
  const { title, detail } = textOf(problem, next)
  const kind = problem.code === 'forbidden' ? 'info' : 'bad'
  return h(`div.note.${kind}`, { role: 'alert' }, h('p.note-title', {}, title), h('p', {}, detail))
}

function textOf({ code, message, scope }, next) {
  switch (code) {
    case 'forbidden':
      if (!scope) return { title: 'This key may not see this', detail: message }
      return {
        title: `This needs a key with the scope ${scope}`,
        detail: 'Sign out and type in one that has it, or several keys with a space between.',
      }
    case 'not_found':
      return { title: 'Nothing is known of this', detail: message }
    case 'unknown_key':
      return { title: 'This is no key', detail: message }
    case 'unknown_time':
      return { title: 'This is no time', detail: message }
    case 'ended':
      return { title: 'The key is not taken any more', detail: message }
    case 'unreachable':
      return { title: 'The API does not answer', detail: next }
    default:
      return { title: 'This could not be read', detail: message ?? next }
  }
}

/** A short word on a coloured ground; the word says it all, the colour repeats it. */
export function badge(text, kind = 'plain') {
  return h(`span.badge.${kind}`, {}, text)
}

/** A figure with its name. */
export function tile(name, value, { detail = null, kind = 'plain' } = {}) {
  return h(
    `div.tile.${kind}`,
    {},
    h('dt', {}, name),
    h('dd', {}, value),
    detail && h('dd.tile-detail', {}, detail),
  )
}

/** Used and held of a limit, and what is asked for on top, as a bar, with the same in words. */
export function bar({ name, used, held = 0, asked = 0, limit }) {
  const level = levelOf(used, limit)
  const whole = Math.max(limit ?? 0, used + held + asked, 1)
  const share = (amount) => `${Math.min((amount / whole) * 100, 100)}%`
  const text =
    limit === null
      ? `${number(used)} used, no limit`
      : `${number(used)} used${part(held, 'held')}${part(asked, 'asked for')} of ${number(limit)}`
  const isOver = limit !== null && used + held + asked > limit
  return h(
    `div.bar.${level}`,
    {
      role: 'img',
      'aria-label': `${name}: ${text}`,
      vars: { used: share(used), held: share(held), asked: share(asked) },
    },
    h('span.bar-used'),
    held > 0 && h('span.bar-held'),
    asked > 0 && h('span.bar-asked'),
    isOver && h('span.bar-limit', { vars: { at: share(limit) } }),
  )
}

const part = (amount, name) => (amount > 0 ? `, ${number(amount)} ${name}` : '')

/** How much of a limit is used, as a badge; below 80 % it is no news, and plain. */
export function share(used, limit) {
  if (limit === null) return badge('no limit')
  const level = levelOf(used, limit)
  return badge(`${number(percentOf(used, limit))} %`, level === 'good' ? 'plain' : level)
}

/** A label with its control. */
export function field(label, control, { hint = null, isWide = false } = {}) {
  return h(
    `label.field${isWide ? '.wide' : ''}`,
    {},
    h('span', {}, label),
    control,
    hint && h('small', {}, hint),
  )
}

/** A choice between named values. */
export function choice(props, options, chosen) {
  return fill(h('select', props), options, chosen)
}

/** Gives a choice its values; the chosen one stays while it is among them. */
export function fill(select, options, chosen = select.value) {
  put(select, ...options.map(([value, text]) => h('option', { value }, text)))
  select.value = options.some(([value]) => value === chosen) ? chosen : (options[0]?.[0] ?? '')
  return select
}

/** A table whose rows become cards on a narrow screen. */
export function table({ label, heads, rows }) {
  const head = h(
    'tr',
    {},
    ...heads.map(({ text, kind = '' }) => h('th', { scope: 'col', class: kind }, text)),
  )
  const bodies = rows.map((cells) =>
    h('tr', {}, ...cells.map((cell, index) => h('td', { class: heads[index].kind ?? '' }, cell))),
  )
  return h(
    'div.table-wrap',
    {
      id: `table-${label.toLowerCase().replaceAll(' ', '-')}`,
      role: 'region',
      'aria-label': label,
      tabindex: '0',
    },
    h('table', {}, h('caption.unseen', {}, label), h('thead', {}, head), h('tbody', {}, ...bodies)),
  )
}

/** Says that there is more than what is shown. */
export function older(hasMore, count) {
  return hasMore && h('p.about', {}, `The newest ${count}; the API has the older ones.`)
}
