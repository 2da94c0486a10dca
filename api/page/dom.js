/** @typedef {Node | string | number | null | false | undefined} Child */

/**
 * The element of a name: that of its tag, without the classes.
 *
 * @template {string} Name
 * @typedef {Name extends `${infer Tag}.${string}` ? ElementOf<Tag>
 *   : Name extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Name] : HTMLElement} ElementOf
 */

/**
 * An element. Properties that begin with `on` are listeners, `vars` are custom properties of its style, the rest
 * are attributes: true sets an empty one, false, null and undefined leave it out. Text is always text.
 *
 * @template {string} Name
 * @param {Name} name with classes as in `span.badge.bad`
 * @param {Record<string, unknown>} [given]
 * @param {...(Child | Child[] | Child[][] | (Child | Child[])[])} children
 * @returns {ElementOf<Name>}
 */
export function h(name, given = {}, ...children) {
  const [tag, ...classes] = name.split('.')
  const element = document.createElement(tag)
  if (classes.length > 0) element.className = classes.join(' ')
  for (const [key, value] of Object.entries(given)) setProperty(element, key, value)
  element.append(...shown(children))
  return /** @type {ElementOf<Name>} */ (/** @type {unknown} */ (element))
}

function setProperty(element, key, value) {
  if (value === false || value === null || value === undefined) return
  if (key.startsWith('on')) return element.addEventListener(key.slice(2), value)
  if (key === 'vars') {
    for (const [name, text] of Object.entries(value)) element.style.setProperty(`--${name}`, String(text))
    return
  }
  if (key === 'value') element.value = value
  element.setAttribute(key, value === true ? '' : String(value))
}

function shown(children) {
  return children
    .flat(3)
    .filter((child) => child !== null && child !== false && child !== undefined)
    .map((child) => (child instanceof Node ? child : String(child)))
}

/**
 * Puts new content into an element; the focus stays where it was if what had it is there again under its id, and so
 * does what was opened or scrolled.
 *
 * @param {Element} place
 * @param {...(Child | Child[] | Child[][] | (Child | Child[])[])} children
 */
export function put(place, ...children) {
  const focused = place.contains(document.activeElement) ? document.activeElement?.id : undefined
  const open = [...place.querySelectorAll('details[open][id]')].map(({ id }) => id)
  const scrolled = [...place.querySelectorAll('.scroll[id]')].map(({ id, scrollTop }) => ({ id, scrollTop }))
  place.replaceChildren(...shown(children))
  for (const id of open) place.querySelector(`#${CSS.escape(id)}`)?.setAttribute('open', '')
  for (const { id, scrollTop } of scrolled) {
    const again = document.getElementById(id)
    if (again !== null) again.scrollTop = scrollTop
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

/** Says something to those who listen instead of look. */
export function say(text) {
  const place = document.getElementById('said')
  if (place !== null && place.textContent !== text) place.textContent = text
}
