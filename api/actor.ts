import type { ApiKey } from '#core/api-key.ts'
import type { Actor } from '#core/audit/audit-entry.ts'

/** The key of a request, as the audit names it. */
export function actorOf(key: ApiKey | null): Actor {
  if (key === null) throw new TypeError('a route that changes something must need a key')
  return { kind: 'key', id: key.id, label: key.label }
}
