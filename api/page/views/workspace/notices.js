import { h } from '../../dom.js'
import { minute, number, words } from '../../format.js'
import { badge, empty, older } from '../../parts.js'

const kinds = {
  threshold_crossed: 'warn',
  threshold_recovered: 'good',
  grace_started: 'warn',
  grace_ended: 'bad',
  lapsed: 'bad',
  restored: 'good',
  renewal_reminder: 'info',
  renewal_due: 'info',
}

/** What the workspace was told, newest first. */
export function noticeList({ notices, cursor }) {
  if (notices.length === 0)
    return empty('Nothing was told yet', 'A threshold that is crossed shows here first.')
  const rows = notices.map((notice) =>
    h(
      'li',
      {},
      badge(words(notice.type), kinds[notice.type] ?? 'plain'),
      h('span.grow', {}, sentenceOf(notice)),
      h('time', { datetime: notice.occurredAt }, minute(notice.occurredAt)),
    ),
  )
  return [
    h('ul.rows.scroll', { id: 'notice-list', tabindex: '0', 'aria-label': 'Notices' }, ...rows),
    older(cursor !== null, notices.length),
  ]
}

function sentenceOf({ feature, threshold, used, limit }) {
  const name = feature === null ? '' : words(feature)
  if (used === null || limit === null) return name
  const percent = threshold === null ? '' : `${threshold} %: `
  return `${name} ${percent}${number(used)} of ${number(limit)}`
}
