import { forgetKeys, keptKeys } from './api.js'
import { put, say } from './dom.js'
import { hashOf, placeOf } from './place.js'
import { setUpTheme } from './theme.js'
import { deadLettersView } from './views/dead-letters.js'
import { limitsView } from './views/limits.js'
import { signInView } from './views/sign-in.js'
import { systemView } from './views/system.js'
import { workspaceView } from './views/workspace.js'

const main = document.getElementById('main')
const live = document.getElementById('live')
const leave = document.getElementById('leave')
const views = document.getElementById('views')

const shows = {
  limits: { title: 'Limits', view: limitsView },
  workspace: { title: 'Workspace', view: workspaceView },
  'dead-letters': { title: 'Dead letters', view: deadLettersView },
  system: { title: 'System', view: systemView },
}

let stop = () => {}
/** Whether the keys ended while they were in use. */
let hasEnded = false
/** What is shown: a view, or what asks for a key; nothing yet where it is empty. */
let current = ''

function show() {
  const isKnown = keptKeys().length > 0
  const place = placeOf(location.hash)
  const wanted = isKnown ? place.view : 'sign-in'
  // A view begins anew with any other address, filters too: those that it puts there itself are not announced.
  if (wanted === 'sign-in' && current === 'sign-in') return
  const isFirst = current === ''
  stop()
  current = wanted
  for (const element of [live, leave, views]) element.hidden = !isKnown
  const { title, view } = isKnown ? shows[place.view] : { title: 'Sign in', view: signInView }
  document.title = `${place.id === '' || !isKnown ? title : place.id} · Tallygate`
  for (const link of views.querySelectorAll('a')) {
    const isHere = link.dataset['view'] === (place.view === 'workspace' ? 'limits' : place.view)
    if (isHere) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  put(main)
  scrollTo(0, 0)
  stop = view(main, { place, enter: again, leave: end, hasEnded }) ?? (() => {})
  if (!isFirst) {
    say(title)
    if (isKnown) main.focus({ preventScroll: true })
  }
}

function again() {
  current = ''
  hasEnded = false
  show()
}

/** The keys are not taken any more: asks for others, and goes on at the same place. */
function end() {
  forgetKeys()
  hasEnded = true
  show()
}

function signOut() {
  forgetKeys()
  hasEnded = false
  location.hash = hashOf({ view: 'limits', id: '', query: {} })
  show()
}

leave.addEventListener('click', signOut)
live.addEventListener('click', () => {
  const isOn = document.documentElement.dataset['live'] === 'off'
  document.documentElement.dataset['live'] = isOn ? 'on' : 'off'
  live.setAttribute('aria-pressed', String(isOn))
  document.dispatchEvent(new Event('livechange'))
})
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault()
  main.focus()
})
addEventListener('hashchange', show)
setUpTheme()
show()
