const views = ['limits', 'workspace', 'dead-letters', 'system']

/**
 * Where a hash leads: `#/workspace/acme?feature=leads`. What is not a view leads to the limits.
 *
 * @param {string} hash
 */
export function placeOf(hash) {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?')
  const [view = '', id = ''] = path.split('/').map(decoded)
  const query = Object.fromEntries(new URLSearchParams(search))
  const isKnown = views.includes(view) && (view !== 'workspace' || id !== '')
  return isKnown ? { view, id, query } : { view: 'limits', id: '', query: {} }
}

/** The hash that leads there. */
export function hashOf({ view, id = '', query = {} }) {
  const set = Object.entries(query).filter(
    ([, value]) => value !== '' && value !== null && value !== undefined,
  )
  const search = new URLSearchParams(set).toString()
  return `#/${view}${id === '' ? '' : `/${encodeURIComponent(id)}`}${search === '' ? '' : `?${search}`}`
}

/** Puts the filters of a view into the address, without a step to go back. */
export function keepQuery(query) {
  history.replaceState(null, '', hashOf({ ...placeOf(location.hash), query }))
}

function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
