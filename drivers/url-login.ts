/**
 * What is wrong with the login in a URL of a setting, in a sentence that repeats nothing of it; null where nothing is.
 *
 * A password with a slash, an at sign or a per cent sign that is not percent-encoded makes it another URL, or none.
 */
export function loginProblem(name: string, url: string): string | null {
  const [, authority = '', rest = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)([\s\S]*)$/i.exec(url) ?? []
  const at = authority.lastIndexOf('@')
  const login = authority.slice(0, Math.max(at, 0))
  const isCut = at === -1 && rest.includes('@') && !HOSTS.test(authority)
  if (!isCut && !login.includes('@') && isEncoded(login)) return null
  return `${name} has a user or password that is not percent-encoded (/ as %2F, @ as %40, % as %25)`
}

/** Hosts, each with a port or without, and nothing else. */
const HOSTS = /^(\[[^\]]+\]|[^:,[\]]+)(:\d+)?(,(\[[^\]]+\]|[^:,[\]]+)(:\d+)?)*$/

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
