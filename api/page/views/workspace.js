import { get, workspacePath } from '../api.js'
import { h, put } from '../dom.js'
import { minute, span, words } from '../format.js'
import { badge, empty, section } from '../parts.js'
import { watch } from '../watch.js'
import { decisionsPart } from './workspace/decisions.js'
import { limitList, switchList } from './workspace/limits.js'
import { noticeList } from './workspace/notices.js'
import { orderTable } from './workspace/orders.js'
import { timeline } from './workspace/subscription.js'
import { usagePart } from './workspace/usage.js'
import { whatIfPart } from './workspace/what-if.js'
import { whyPart } from './workspace/why.js'

/** What changes with each event is read more often than what people do. */
const SLOWLY_MS = 15_000
/** What may be the id of a workspace. */
const ID = /^[A-Za-z0-9._:-]{1,64}$/

/** One workspace: what it has, what it uses, what it was told, and why it is denied. */
export function workspaceView(main, { place, leave }) {
  const workspace = place.id
  if (!ID.test(workspace)) return showNone(main, workspace, 'An id has 1 to 64 letters, digits and . _ : -')
  const title = h('div.title', {}, headOf(workspace, null))
  const limits = section('Limits', {
    id: 'limits',
    about: 'Used, held by operations under way, and the limit.',
  })
  const subscription = section('Subscription', { id: 'subscription' })
  const notices = section('Notices', { id: 'notices', about: 'What the workspace was told.' })
  const orders = section('Orders', { id: 'orders' })
  const usage = usagePart(workspace, { feature: place.query.feature, leave })
  const why = whyPart(workspace, { feature: place.query.feature, leave })
  const decisions = decisionsPart(workspace, { leave, ask: why.ask })
  const whatIf = whatIfPart(workspace, { leave })
  const column = (...parts) => h('div.column', {}, ...parts.map(({ element }) => element))
  const left = column(limits, usage, subscription)
  put(main, back(), title, h('div.columns', {}, left, column(why, decisions, whatIf, notices, orders)))
  const stop = () => {
    for (const part of [...watched, usage, decisions]) part.stop()
  }
  const read = (part) => (signal) => get(workspacePath(workspace, part), { signal })
  const watched = [
    watch(limits.body, {
      read: read('/entitlements'),
      show: (answer) => showLimits(answer, title, [usage, why]),
      leave,
      fail: (problem) => {
        if (problem.code === 'not_found') return showUnknown(main, workspace, stop)
        offerAllSold([usage, why], leave)
        return false
      },
      isAging: true,
    }),
    watch(subscription.body, {
      read: read('/subscription'),
      show: (answer) => {
        whatIf.startFrom(answer.current)
        return timeline(answer, Date.now())
      },
      fail: () => {
        whatIf.startFrom(undefined)
        return false
      },
      leave,
      everyMs: SLOWLY_MS,
      isAging: true,
    }),
    watch(notices.body, { read: read('/notices'), show: noticeList, leave, everyMs: SLOWLY_MS }),
    watch(orders.body, { read: read('/orders'), show: orderTable, leave, everyMs: SLOWLY_MS }),
  ]
  return stop
}

/** What a workspace has is not known now; what is sold is, and it may be asked about. */
function offerAllSold(choosers, leave) {
  get('/v1/catalogue').then(
    ({ catalogue }) => {
      const sold = Object.entries(catalogue.features).map(([feature, { kind }]) => ({
        feature,
        kind,
        limit: null,
        used: 0,
      }))
      for (const { offer } of choosers) offer(sold)
    },
    (problem) => problem.code === 'unauthenticated' && leave(),
  )
}

/** One sentence instead of a page of parts that all say the same. */
function showUnknown(main, workspace, stop) {
  stop()
  showNone(main, workspace, `Nothing is known of ${workspace}, or this key may not see it.`)
  return true
}

function showNone(main, workspace, why) {
  put(main, back(), h('div.title', {}, h('h1', {}, workspace)), empty('No such workspace', why))
}

function back() {
  return h('p.back', {}, h('a', { href: '#/limits' }, '← All workspaces'))
}

function showLimits(answer, title, choosers) {
  put(title, headOf(answer.workspace, answer))
  for (const { offer } of choosers) offer(answer.entitlements)
  const limits = answer.entitlements.filter(({ kind }) => kind !== 'switch')
  const switches = answer.entitlements.filter(({ kind }) => kind === 'switch')
  return [limitList(limits, answer.access, Date.now()), switchList(switches)]
}

const kinds = { active: 'good', trialing: 'info', pending: 'warn', lapsed: 'bad', none: 'plain' }

function headOf(workspace, answer) {
  const name = h('h1', {}, workspace)
  if (answer === null) return name
  const { plan, status, access, asOf, lagMs, exact } = answer
  const accuracy = asOf === null ? 'not counted yet' : `counted up to ${minute(asOf)}, ${span(lagMs)} behind`
  return [
    name,
    h(
      'p.badges',
      {},
      plan !== null && badge(words(plan), 'info'),
      badge(words(status), kinds[access] ?? 'plain'),
      access !== status && badge(`access ${words(access).toLowerCase()}`, kinds[access] ?? 'plain'),
      h('span.about', {}, `${exact ? 'Exact' : 'Not exact'}: ${accuracy}`),
    ),
  ]
}
