import type { Db } from 'mongodb'
import type { KeyRecord } from '#core/audit/audit-entry.ts'
import { isEqual } from '#core/is-equal.ts'
import { AuditLog } from './audit-log.ts'
import type { BrokenLink } from './chained-log.ts'

interface StoredKey {
  readonly _id: string
  readonly scopes: unknown
  readonly workspaces: unknown
  readonly label: unknown
  readonly expiresAt: unknown
}

interface StoredRevocation {
  /** `<key>/<instant>`. */
  readonly _id: string
  readonly at: number
}

/**
 * Where keys differ from what the audit says was made and ended: keys have a home of their own, outside of every chain.
 *
 * A key that was recorded and is not there is none of these: whoever made it may have died before it was.
 */
export async function checkKeys(db: Db): Promise<readonly BrokenLink[]> {
  const [records, keys, revocations] = await Promise.all([
    new AuditLog(db).keys(),
    db.collection<StoredKey>('keys').find().toArray(),
    db.collection<StoredRevocation>('key_revocations').find().toArray(),
  ])
  return [...faultsOfKeys(keys, records), ...faultsOfRevocations(revocations, records)]
}

function faultsOfKeys(keys: readonly StoredKey[], records: readonly KeyRecord[]): readonly BrokenLink[] {
  return keys.flatMap(({ _id, scopes, workspaces, label, expiresAt }) => {
    const made = records.find(({ action, key }) => action === 'key_created' && key === _id)
    if (made === undefined) return [{ entry: `keys/${_id}`, problem: 'nobody is recorded to have made it' }]
    if (isEqual(made.after, { scopes, workspaces, label, expiresAt })) return []
    const problem = 'it may do other things, or for longer, than what was recorded when it was made'
    return [{ entry: `keys/${_id}`, problem }]
  })
}

function faultsOfRevocations(
  revocations: readonly StoredRevocation[],
  records: readonly KeyRecord[],
): readonly BrokenLink[] {
  const ended = records.filter(({ action }) => action === 'key_revoked')
  const stated = new Map(ended.map((record) => [`${record.key}/${endOf(record)}`, record]))
  const there = new Set(revocations.map(({ _id, at }) => `${_id.slice(0, _id.indexOf('/'))}/${at}`))
  const isThere = (record: KeyRecord): boolean => there.has(`${record.key}/${endOf(record)}`)
  const isMended = ({ key, after }: KeyRecord): boolean =>
    ended.some((later) => later.key === key && later.at > Number(endOf({ after })) && isThere(later))
  const lost = [...stated]
    .filter(([, record]) => !isThere(record) && !isMended(record))
    .map(([end]) => ({
      entry: `key_revocations/${end}`,
      problem: 'it is recorded that the key ends, and nothing ends it; revoke it again',
    }))
  const unknown = revocations
    .filter(({ _id, at }) => !stated.has(`${_id.slice(0, _id.indexOf('/'))}/${at}`))
    .map(({ _id }) => ({ entry: `key_revocations/${_id}`, problem: 'nobody is recorded to have ended it' }))
  return [...lost, ...unknown]
}

function endOf({ after }: Pick<KeyRecord, 'after'>): unknown {
  return Reflect.get(Object(after), 'revokedAt')
}
