import { hostname, userInfo } from 'node:os'
import type { Actor } from '#core/audit/audit-entry.ts'

/** The person at this command line, for the audit. */
export function cliActor(): Actor {
  return { kind: 'cli', id: `${userInfo().username}@${hostname()}`, label: 'command line' }
}
