import { forgetKeys, get, keepKeys } from '../api.js'
import { h, put } from '../dom.js'
import { failure, field } from '../parts.js'

/** Asks for a key, and tries it before it is kept. */
export function signInView(main, { enter, hasEnded }) {
  const input = h('input', {
    id: 'key',
    type: 'password',
    required: true,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'tg_live_…',
    'aria-describedby': 'key-about',
  })
  const told = h('div', {}, hasEnded && failure(ENDED))
  const button = h('button.main', { type: 'submit' }, 'Open')
  const submit = async (event) => {
    event.preventDefault()
    button.disabled = true
    keepKeys(input.value)
    const refused = await get('/v1/catalogue').then(
      () => null,
      (problem) => problem,
    )
    button.disabled = false
    // A key without usage:read is still a key: the views say what they lack.
    if (refused === null || refused.code === 'forbidden') return enter()
    forgetKeys()
    put(told, failure(refused.code === 'unauthenticated' ? NOT_VALID : refused))
    input.focus()
  }
  const form = h('form.card.sign-in', { onsubmit: submit }, ...content(input, button, told))
  put(main, form)
  input.focus()
}

const ENDED = { code: 'ended', message: 'It has ended or was revoked. Type in another one to go on here.' }
const NOT_VALID = {
  code: 'unknown_key',
  message: 'No such key, or it has ended. Look for a missing character.',
}

function content(input, button, told) {
  return [
    h('h1', {}, 'Who is close to a limit, and why?'),
    h('p', {}, 'Limits, decisions, dead letters and lag of this Tallygate. Nothing here changes anything.'),
    field('API key', input),
    h(
      'p.about',
      { id: 'key-about' },
      'It needs the scope ',
      h('code', {}, 'usage:read'),
      '. Several keys may stand here, a space between. They stay in this tab until it is closed.',
    ),
    h('pre', { tabindex: '0' }, h('code', {}, 'npx tallygate key create --scope usage:read')),
    told,
    button,
  ]
}
