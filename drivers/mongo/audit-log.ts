import type { Db } from 'mongodb'
import type {
  BulkRecord,
  CorrectionRecord,
  KeyRecord,
  OverrideRecord,
  RebaseRecord,
} from '#core/audit/audit-entry.ts'
import { ChainedLog, type CheckedChains } from './chained-log.ts'

/** Chains that belong to no workspace; `~` is in no workspace's id. */
const KEYS = '~keys'
const REBASES = '~rebases'
const BULK = '~bulk'
/** Beside the chain of a workspace's overrides, whose length is part of the revision of its facts. */
const correctionsOf = (workspace: string): string => `~corrections/${workspace}`

/** Changes of overrides that a process remembers of all workspaces: facts hold what they come to, and are read each minute. */
const REMEMBERED_MAX = 20_000

/** Collections whose entries are chained; each entry is the record of a change. */
export const chainedCollections = ['audit', 'subscription_versions', 'catalogues'] as const

/**
 * Who changed what: for each workspace one chain with the changes of its overrides and one with usage that was set by
 * hand, one for keys, one for rebases, one for imports and redrives.
 *
 * Overrides have no other home: an entry that is inserted is the change, one that is not never happened.
 */
export class AuditLog {
  readonly #db: Db
  readonly #overrides: ChainedLog<OverrideRecord>
  readonly #keys: ChainedLog<KeyRecord>
  readonly #rebases: ChainedLog<RebaseRecord>
  readonly #corrections: ChainedLog<CorrectionRecord>
  readonly #bulk: ChainedLog<BulkRecord>

  constructor(db: Db) {
    this.#db = db
    this.#overrides = new ChainedLog(db, 'audit', { rememberedMax: REMEMBERED_MAX })
    this.#keys = new ChainedLog(db, 'audit')
    this.#rebases = new ChainedLog(db, 'audit')
    this.#corrections = new ChainedLog(db, 'audit')
    this.#bulk = new ChainedLog(db, 'audit')
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

  /** Usage of a workspace that was set by hand, oldest first. */
  async corrections(workspace: string): Promise<readonly CorrectionRecord[]> {
    return this.#corrections.read(correctionsOf(workspace))
  }

  /** Records usage that is about to be set. */
  async appendCorrection(workspace: string, record: CorrectionRecord): Promise<void> {
    await this.#corrections.push(correctionsOf(workspace), record)
  }

  /** Imports and redrives, oldest first. */
  async bulk(): Promise<readonly BulkRecord[]> {
    return this.#bulk.read(BULK)
  }

  /** Records a command that is about to change usage, or has. */
  async appendBulk(record: BulkRecord): Promise<void> {
    await this.#bulk.push(BULK, record)
  }

  /** Checks every chain, or those of one workspace; `kept`: last hashes of an earlier check that must still be there. */
  async check(workspace: string | null, kept: CheckedChains['heads'] = {}): Promise<CheckedChains> {
    const logs =
      workspace === null
        ? chainedCollections.map((name) => ({ name, log: null }))
        : [
            { name: 'audit', log: workspace },
            { name: 'audit', log: correctionsOf(workspace) },
            { name: 'subscription_versions', log: workspace },
          ]
    const checked = await Promise.all(
      logs.map(async ({ name, log }) => {
        const one = await new ChainedLog<unknown>(this.#db, name).check(log, headsOf(kept, name, log))
        const heads = Object.entries(one.heads).map(([chain, hash]) => [`${name}/${chain}`, hash])
        return { ...one, heads: Object.fromEntries(heads) }
      }),
    )
    return {
      chains: checked.reduce((sum, { chains }) => sum + chains, 0),
      entries: checked.reduce((sum, { entries }) => sum + entries, 0),
      broken: checked.flatMap(({ broken }) => broken),
      heads: Object.assign({}, ...checked.map(({ heads }) => heads)),
    }
  }
}

/** The kept heads of one collection by chain, or of one chain of it. */
function headsOf(kept: CheckedChains['heads'], name: string, log: string | null): CheckedChains['heads'] {
  const own = Object.entries(kept).flatMap(([key, hash]): [string, string][] => {
    const chain = key.startsWith(`${name}/`) ? key.slice(name.length + 1) : null
    return chain === null || (log !== null && chain !== log) ? [] : [[chain, hash]]
  })
  return Object.fromEntries(own)
}
