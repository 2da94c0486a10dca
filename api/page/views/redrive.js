import { h, say } from '../dom.js'
import { number } from '../format.js'
import { empty, tile } from '../parts.js'

/** What the command would do, and the command to do it with. */
export function previewOf({ command, found, sentBefore, cut, wouldSend }) {
  if (found === 0) return empty('Nothing to send again', 'No letter matches.')
  const left = [
    sentBefore > 0 && tile('Sent again before', number(sentBefore), { detail: 'left out' }),
    cut > 0 &&
      tile('Bytes cut', number(cut), { detail: 'left out: too large to be kept whole', kind: 'warn' }),
  ]
  return [
    h(
      'dl.tiles',
      {},
      tile('Found', number(found)),
      ...left,
      tile('Would be sent', number(wouldSend), { kind: wouldSend > 0 ? 'good' : 'plain' }),
    ),
    h('h3', {}, 'The command that shows the same'),
    commandLine(command),
    h(
      'p.about',
      {},
      'With ',
      h('code', {}, '--yes'),
      ' it sends them; each counts once, however often it is sent. Mend first what they were refused for.',
    ),
  ]
}

function commandLine(command) {
  const copy = h(
    'button.small',
    {
      type: 'button',
      id: 'copy-command',
      onclick: async () => {
        await navigator.clipboard?.writeText(command)
        copy.textContent = 'Copied'
        say('Copied')
      },
    },
    'Copy',
  )
  return h('div.command', {}, h('pre', { tabindex: '0' }, h('code', {}, command)), copy)
}
