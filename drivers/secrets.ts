/** Settings whose whole value is a secret. */
const SECRET_NAME = /PASSWORD|PEPPER|SECRET|OTLP_HEADERS/
/** The password in a connection string: `scheme://user:password@`. */
const URL_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*?:([^/?#\s]+)@/i
/** One that should have been percent-encoded. */
const RAW_URL_PASSWORD = /^[a-z][a-z0-9+.-]*:\/\/[^:@\s]*:(\S+)@/i
/**
 * The same wherever one stands in a text; one password alone holds no slash. It looks behind itself, so that a text of half
 * a million letters is looked through once, not once from each letter.
 */
const ANY_URL_PASSWORD = /(?<![a-z0-9+.-])([a-z0-9+.-]+:\/\/[^/?#\s:@"]*:)[^/?#\s"]+@/gi
const API_KEY = /(tg_live_[A-Za-z0-9]{8})_[A-Za-z0-9_-]{8,}/g
/** What is shorter is not searched for: it would be cut out of every other word. */
const SECRET_CHARS_MIN = 4
const CUT = '…'

/** Every secret that settings hold: passwords, the pepper, and the passwords inside of connection strings. */
export function secretsOf(settings: Readonly<Record<string, unknown>>): readonly string[] {
  const found = Object.entries(settings).flatMap(([name, value]) => {
    if (typeof value !== 'string') return []
    const passwords = [URL_PASSWORD, RAW_URL_PASSWORD].flatMap((form) => form.exec(value)?.[1] ?? [])
    return [
      ...passwords.flatMap((password) => [password, decoded(password)]),
      ...(SECRET_NAME.test(name) ? [value] : []),
    ]
  })
  const long = found.filter((secret) => secret.length >= SECRET_CHARS_MIN)
  return [...new Set(long)].sort((a, b) => b.length - a.length)
}

/** Cuts secrets out of a text or a line of JSON: those given, and whatever has the form of a key or a URL's password. */
export function redactorOf(secrets: readonly string[]): (text: string) => string {
  const exact = secrets.flatMap((secret) => [...new Set([secret, JSON.stringify(secret).slice(1, -1)])])
  return (text) => {
    const plain = exact.reduce((left, secret) => left.replaceAll(secret, CUT), text)
    return plain.replaceAll(ANY_URL_PASSWORD, `$1${CUT}@`).replaceAll(API_KEY, `$1_${CUT}`)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
