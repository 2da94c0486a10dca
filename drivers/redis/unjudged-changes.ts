import type { UnjudgedChange } from '#core/notices/reached-at.ts'
import type { Unjudged } from '#core/ports.ts'

/** What changed of a workspace since the judge looked at it, as `lua/unjudged.lua` writes it; none for ''. */
export function parseUnjudged(kept: string): Unjudged {
  const [, changes = ''] = kept.split('|')
  return { kept, changes: changes === '' ? [] : changes.split(';').map(changeOf) }
}

function changeOf(change: string): UnjudgedChange {
  if (change.startsWith('*')) return { of: 'facts', at: Number(change.slice(1)), before: null }
  const [at, ...held] = change.split(',')
  return {
    of: 'use',
    at: Number(at),
    before: held.length === 0 ? null : Object.fromEntries(held.map(heldOf)),
  }
}

function heldOf(pair: string): readonly [field: string, value: string] {
  const [field = '', value = ''] = pair.split('=')
  return [field, value.replace('/', '|')]
}
