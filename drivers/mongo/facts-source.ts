import type { Db } from 'mongodb'
import type { OverrideRecord } from '#core/audit/audit-entry.ts'
import type { Judgement } from '#core/notices/judgement.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import { AppendLog } from './append-log.ts'
import { AuditLog } from './audit-log.ts'
import { ChainedLog } from './chained-log.ts'
import { WorkspaceList } from './workspace-list.ts'

/** Versions that a process remembers of all workspaces: facts are folded anew each minute, and at each event. */
const REMEMBERED_MAX = 20_000

/** What MongoDB holds of one workspace, each kind a log of inserts. */
export interface StoredFacts {
  readonly versions: readonly SubscriptionEvent[]
  readonly overrides: readonly OverrideRecord[]
  readonly crossings: { readonly count: number; readonly newest: Judgement | null }
}

/**
 * The facts of workspaces as they were stored, insert by insert.
 *
 * Subscription versions are kept in the order of their arrival, each once; the fold sorts them (ADR 0004).
 */
export class FactsSource {
  readonly #workspaces: WorkspaceList
  readonly #versions: ChainedLog<SubscriptionEvent>
  readonly #audit: AuditLog
  readonly #crossings: AppendLog<Judgement>

  constructor(db: Db) {
    this.#workspaces = new WorkspaceList(db)
    this.#versions = new ChainedLog(db, 'subscription_versions', {
      rememberedMax: REMEMBERED_MAX,
    })
    this.#audit = new AuditLog(db)
    this.#crossings = new AppendLog(db, 'crossings')
  }

  /** Everything stored of a workspace. */
  async read(workspace: string): Promise<StoredFacts> {
    const [versions, overrides, count] = await Promise.all([
      this.#versions.read(workspace),
      this.#audit.overrides(workspace),
      this.#crossings.length(workspace),
    ])
    const newest = count === 0 ? null : await this.#crossings.entry(workspace, count)
    return { versions, overrides, crossings: { count, newest } }
  }

  /** The subscription versions of a workspace in the order of their arrival. */
  async versions(workspace: string): Promise<SubscriptionEvent[]> {
    return this.#versions.read(workspace)
  }

  /** Every change of a workspace's overrides, oldest first. */
  async overrides(workspace: string): Promise<readonly OverrideRecord[]> {
    return this.#audit.overrides(workspace)
  }

  /**
   * Stores version number `number` by arrival; false when another one took that place: read again.
   *
   * The workspace is listed before its first version exists, so that no version can be of an unlisted one.
   */
  async appendVersion(workspace: string, number: number, event: SubscriptionEvent): Promise<boolean> {
    if (number === 1) await this.#workspaces.add(workspace)
    return this.#versions.append(workspace, number, event)
  }

  /** Stores change `number` of a workspace's overrides; false when another took that number: read again. */
  async appendOverride(workspace: string, number: number, record: OverrideRecord): Promise<boolean> {
    if (number === 1) await this.#workspaces.add(workspace)
    return this.#audit.appendOverride(workspace, number, record)
  }

  /** One judgement of a workspace, null when there are fewer. */
  async judgement(workspace: string, number: number): Promise<Judgement | null> {
    return this.#crossings.entry(workspace, number)
  }

  /** Stores a judgement; false when another one took that place: read again. */
  async appendJudgement(workspace: string, number: number, judgement: Judgement): Promise<boolean> {
    return this.#crossings.append(workspace, number, judgement)
  }
}
