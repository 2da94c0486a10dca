const KEPT = 'tallygate.keys'

/** A refusal of the API, as its problem document states it; `code` is `unreachable` where there is no answer. */
export class Problem extends Error {
  constructor({ code, detail, status, scope = null }) {
    super(detail)
    this.code = code
    this.status = status
    this.scope = scope
  }
}

/** A header carries nothing else; fetch would refuse it as if there were no answer. */
const MAY_BE_KEY = /^[\x21-\x7e]+$/

/** The keys of this tab: kept until it is closed, never in a URL and never on disk. What cannot be a key is none. */
export function keptKeys() {
  return (sessionStorage.getItem(KEPT) ?? '').split(' ').filter((key) => MAY_BE_KEY.test(key))
}

/** Keeps the keys of a text that has one or several. */
export function keepKeys(text) {
  sessionStorage.setItem(
    KEPT,
    text
      .split(/[\s,]+/)
      .filter((key) => key !== '')
      .join(' '),
  )
  chosen.clear()
}

/** Forgets the keys. */
export function forgetKeys() {
  sessionStorage.removeItem(KEPT)
  chosen.clear()
}

/** Which key had the scope for a route, by its kind. */
const chosen = new Map()

/** Refusals of one key that another may not meet, the one that says most last. */
const OF_THE_KEY = ['unauthenticated', 'forbidden', 'not_found']

/**
 * Reads a route. Where one key lacks the scope, or may not see the workspace, the next is tried.
 *
 * @param {string} path
 * @param {{ signal?: AbortSignal }} [how]
 */
export function get(path, { signal } = {}) {
  return ask(path, { signal })
}

/**
 * Asks by POST; every POST of this page only reads.
 *
 * @param {string} path
 * @param {object} body
 * @param {{ signal?: AbortSignal }} [how]
 */
export function post(path, body, { signal } = {}) {
  return ask(path, {
    signal,
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
}

async function ask(path, init) {
  const kind = path.replace(/\?.*/, '').replace(/^\/v1\/workspaces\/[^/]+/, '')
  const keys = keptKeys()
  const first = chosen.get(kind)
  const order = keys.includes(first) ? [first, ...keys.filter((key) => key !== first)] : keys
  let refused = new Problem({ code: 'unauthenticated', detail: 'Type in a key.', status: 401 })
  for (const key of order) {
    const response = await send(path, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${key}` },
    })
    if (response.ok) {
      chosen.set(kind, key)
      return response.json()
    }
    const problem = await problemOf(response)
    const rank = OF_THE_KEY.indexOf(problem.code)
    if (rank === -1) throw problem
    if (rank >= OF_THE_KEY.indexOf(refused.code)) refused = problem
  }
  throw refused
}

async function send(path, init) {
  try {
    return await fetch(path, { ...init, cache: 'no-store', credentials: 'omit' })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Problem({
      code: 'unreachable',
      detail: 'The API does not answer.',
      status: 0,
    })
  }
}

async function problemOf(response) {
  const problem = await response.json().catch(() => ({}))
  const { code = 'internal', detail = `The API answered ${response.status}.`, scope } = problem
  return new Problem({ code, detail, status: response.status, scope })
}

/** A path with the parts of a query that are set. */
export function pathOf(path, query) {
  const set = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  )
  const search = new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString()
  return search === '' ? path : `${path}?${search}`
}

/** The path of a workspace, or of a part of it. */
export function workspacePath(workspace, part = '') {
  return `/v1/workspaces/${encodeURIComponent(workspace)}${part}`
}
