import type { Db } from 'mongodb'
import type { KeyRecord, OverrideRecord, RebaseRecord } from '#core/audit/audit-entry.ts'
import { ChainedLog, type CheckedChains } from './chained-log.ts'

/** Chains that belong to no workspace; `~` is in no workspace's id. */
const KEYS = '~keys'
const REBASES = '~rebases'

/** Collections whose entries are chained; each entry is the record of a change. */
export const chainedCollections = ['audit', 'subscription_versions', 'catalogues'] as const

/**
 * Who changed what: one chain for each workspace with the changes of its overrides, one for keys, one for rebases.
 *
 * Overrides have no other home: an entry that is inserted is the change, one that is not never happened.
 */
export class AuditLog {
  readonly #db: Db
  readonly #overrides: ChainedLog<OverrideRecord>
  readonly #keys: ChainedLog<KeyRecord>
  readonly #rebases: ChainedLog<RebaseRecord>

  constructor(db: Db) {
    this.#db = db
    this.#overrides = new ChainedLog(db, 'audit')
    this.#keys = new ChainedLog(db, 'audit')
    this.#rebases = new ChainedLog(db, 'audit')
  }

  /** Changes of a workspace's overrides, oldest first. */
  async overrides(workspace: string): Promise<readonly OverrideRecord[]> {
    return this.#overrides.read(workspace)
  }

  /** Stores change `number` of a workspace's overrides; false when another took that number: read again. */
  async appendOverride(workspace: string, number: number, record: OverrideRecord): Promise<boolean> {
    return this.#overrides.append(workspace, number, record)
  }

  /** Keys made and ended, oldest first. */
  async keys(): Promise<readonly KeyRecord[]> {
    return this.#keys.read(KEYS)
  }

  /** Records what is about to happen to a key. */
  async appendKey(record: KeyRecord): Promise<void> {
    await this.#keys.push(KEYS, record)
  }

  /** Partitions that were begun anew, oldest first. */
  async rebases(): Promise<readonly RebaseRecord[]> {
    return this.#rebases.read(REBASES)
  }

  /** Records a partition that is about to be begun anew. */
  async appendRebase(record: RebaseRecord): Promise<void> {
    await this.#rebases.push(REBASES, record)
  }

  /** Checks every chain, or those of one workspace. */
  async check(workspace: string | null): Promise<CheckedChains> {
    const checked = await Promise.all(
      chainedCollections
        .filter((name) => workspace === null || name !== 'catalogues')
        .map((name) => new ChainedLog<unknown>(this.#db, name).check(workspace)),
    )
    const heads = checked.flatMap((one, index) =>
      Object.entries(one.heads).map(([chain, hash]) => [`${chainedCollections[index]}/${chain}`, hash]),
    )
    return {
      chains: checked.reduce((sum, { chains }) => sum + chains, 0),
      entries: checked.reduce((sum, { entries }) => sum + entries, 0),
      broken: checked.flatMap(({ broken }) => broken),
      heads: Object.fromEntries(heads),
    }
  }
}
