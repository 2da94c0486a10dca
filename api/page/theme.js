const KEPT = 'tallygate.theme'
const dark = matchMedia('(prefers-color-scheme: dark)')

/** Colours as the system has them, until the button says otherwise; the choice is kept in this browser. */
export function setUpTheme() {
  const button = document.getElementById('theme')
  const isDark = () => (localStorage.getItem(KEPT) ?? (dark.matches ? 'dark' : 'light')) === 'dark'
  const show = () => {
    document.documentElement.dataset['theme'] = isDark() ? 'dark' : 'light'
    button?.setAttribute('aria-pressed', String(isDark()))
    document.dispatchEvent(new Event('themechange'))
  }
  button?.addEventListener('click', () => {
    localStorage.setItem(KEPT, isDark() ? 'light' : 'dark')
    show()
  })
  dark.addEventListener('change', show)
  show()
}

/** A colour of the theme in force, for what is drawn rather than styled. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}
