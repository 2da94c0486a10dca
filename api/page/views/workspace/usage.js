import { get, pathOf, workspacePath } from '../../api.js'
import { dayChart } from '../../chart.js'
import { h, put } from '../../dom.js'
import { day, number, words } from '../../format.js'
import { empty, fill, loading, section, table } from '../../parts.js'
import { watch } from '../../watch.js'

/** Use of one feature by day: as a chart, and as the table behind it. */
export function usagePart(workspace, { feature, leave }) {
  const select = h('select', {
    id: 'usage-feature',
    'aria-label': 'Feature of the chart',
    onchange: () => turn(select.value),
  })
  const part = section('Use by day', { id: 'usage', about: 'The last 30 days, UTC.', tools: [select] })
  put(part.body, loading(3))
  let watched = null
  let erase = () => {}
  let offered = []
  const turn = (key) => {
    watched?.stop()
    watched = watch(part.body, {
      read: (signal) => readDays(workspace, key, signal),
      show: (answer) => {
        erase()
        const chart = chartOf(
          answer,
          offered.find((one) => one.feature === key),
        )
        erase = chart.erase
        return chart.content
      },
      leave,
      everyMs: 10_000,
    })
  }
  return {
    element: part.element,
    /** Offers the features there are, once known; begins with the one asked for, else the first that is used. */
    offer: (entitlements) => {
      const limits = entitlements.filter(({ kind }) => kind !== 'switch')
      const isFirst = offered.length === 0
      offered = limits
      if (limits.length === 0) return put(part.body, empty('Nothing is counted', 'Only switches are sold.'))
      if (!isFirst) return
      const first =
        limits.find((one) => one.feature === feature) ?? limits.find(({ used }) => used > 0) ?? limits[0]
      fill(
        select,
        limits.map((one) => [one.feature, words(one.feature)]),
        first.feature,
      )
      turn(first.feature)
    },
    stop: () => {
      watched?.stop()
      erase()
    },
  }
}

/** Without how exact it is, which changes each time: the chart is drawn anew only when the days changed. */
async function readDays(workspace, feature, signal) {
  const answer = await get(pathOf(workspacePath(workspace, '/usage'), { feature }), { signal })
  return { feature, days: answer.days, total: answer.total, window: answer.window }
}

function chartOf({ feature, days, total, window }, entitlement) {
  const isFlow = entitlement?.kind === 'flow'
  const known = days.filter(({ used }) => used !== null)
  if (known.length === 0) {
    const content = empty('Nothing was used', `No event of ${words(feature)} is counted in these days.`)
    return { content, erase: () => {} }
  }
  const told = h('p.readout', { 'aria-hidden': 'true' })
  const summary = summaryOf({ isFlow, total, window, known })
  const onDay = (index) => {
    const one = index === null ? undefined : days[index]
    put(
      told,
      one === undefined ? summary : `${day(one.day)}: ${one.used === null ? 'no change' : number(one.used)}`,
    )
  }
  const place = h('div.chart', { role: 'img', 'aria-label': `${words(feature)} by day. ${summary}` })
  onDay(null)
  let erase = () => {}
  // The chart needs its width, which it has once it stands in the page.
  const frame = requestAnimationFrame(() => {
    const limit = isFlow || entitlement?.unlimited ? null : (entitlement?.limit ?? null)
    const at = days.map((one) => Date.parse(`${one.day}T00:00:00Z`) / 1_000)
    erase = dayChart(place, { at, used: days.map(({ used }) => used), isFlow, limit, onDay })
  })
  return {
    content: [told, place, behind(known)],
    erase: () => {
      cancelAnimationFrame(frame)
      erase()
    },
  }
}

function summaryOf({ isFlow, total, window, known }) {
  const last = known.at(-1)
  if (!isFlow) return `${number(last.used)} on ${day(last.day)}`
  return window === null
    ? `${number(total)} in all`
    : `${number(total)} in the window that began ${day(window.from)}`
}

function behind(known) {
  const rows = known.toReversed().map((one) => [day(one.day), number(one.used)])
  const heads = [
    { text: 'Day', kind: 'first' },
    { text: 'Used', kind: 'figure' },
  ]
  return h(
    'details',
    { id: 'usage-days' },
    h('summary', {}, 'As a table'),
    table({ label: 'Use by day', heads, rows }),
  )
}
