import { h, say } from '../dom.js'
import { number } from '../format.js'
import { empty, tile } from '../parts.js'

/** What the command would do, and the command to do it with, for each topic that records were refused from. */
export function previewsOf(redrives) {
  if (redrives.length === 0) return empty('Nothing to send again', 'No letter matches.')
  const order = ({ topic }) => (topic === 'usage.events' ? 0 : 1)
  return redrives
    .toSorted((a, b) => order(a) - order(b))
    .flatMap((one) => (one.topic === 'usage.events' ? ofUsage(one) : ofSubscriptions(one)))
}

function ofUsage(one) {
  return [
    h('h3', {}, 'Usage'),
    tilesOf(one, { wouldSend: 'good' }),
    commandLine(one),
    h(
      'p.about',
      {},
      'With ',
      h('code', {}, '--yes'),
      ' it sends them. Mend first what they were refused for, and ask whether what is too late had been sent before: what is more than 72 hours old then counts again.',
    ),
  ]
}

/** What billing stated against the rules is refused again, however often it is sent. */
function ofSubscriptions(one) {
  return [
    h('h3', {}, 'Subscriptions'),
    tilesOf(one, { wouldSend: 'warn' }),
    h(
      'div.note.info',
      {},
      h('p.note-title', {}, 'Do not redrive these'),
      h(
        'p',
        {},
        'They broke a rule and would break it again. Billing states what is right in the next version of the subscription.',
      ),
    ),
    commandLine(one),
  ]
}

function tilesOf({ found, sentBefore, cut, statesCount, wouldSend }, kinds) {
  const left = [
    sentBefore > 0 && tile('Sent again before', number(sentBefore), { detail: 'left out' }),
    cut > 0 &&
      tile('Too large', number(cut), { detail: 'left out: it would be refused again', kind: 'warn' }),
    statesCount > 0 &&
      tile('States a count', number(statesCount), { detail: 'left out: it would set back what is counted' }),
  ]
  return h(
    'dl.tiles',
    {},
    tile('Found', number(found)),
    ...left,
    tile('Would be sent', number(wouldSend), { kind: wouldSend > 0 ? kinds.wouldSend : 'plain' }),
  )
}

function commandLine({ topic, command }) {
  const text = h('code', {}, command)
  const copy = h(
    'button.small',
    {
      type: 'button',
      id: `copy-${topic}`,
      'aria-label': `Copy the command for ${topic}`,
      onclick: async () => {
        const isCopied = await copyText(command)
        if (!isCopied) getSelection()?.selectAllChildren(text)
        copy.textContent = isCopied ? 'Copied' : 'Selected'
        say(isCopied ? 'Copied' : 'It could not be copied and is selected instead')
      },
    },
    'Copy',
  )
  return h('div.command', {}, h('pre', { id: `command-${topic}`, tabindex: '0' }, text), copy)
}

/** Whether it was copied: a browser lets only pages do so that came by HTTPS, or from its own machine. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
