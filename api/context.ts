import type { ApiKey, Scope } from '#core/api-key.ts'
import type { OverrideRecord } from '#core/audit/audit-entry.ts'
import type { StoredCatalogue } from '#core/catalogue/catalogue.ts'
import type { Decision } from '#core/entitlement/decision.ts'
import type { CatalogueWish, NextCatalogue } from '#core/operations/change-catalogue.ts'
import type { OverrideWish } from '#core/operations/change-override.ts'
import type { CheckDeps } from '#core/operations/check.ts'
import type { DayArchive, HistoryStore, HoldStore } from '#core/ports.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import type { UsageWriter } from '#drivers/kafka/usage-writer.ts'
import type { ApiMetrics } from '#drivers/metrics.ts'
import type { DecisionLog } from '#drivers/mongo/decision-log.ts'
import type { NoticeLog } from '#drivers/mongo/notice-log.ts'

/** Everything the routes are made of; the composition root builds it once. */
export interface ApiContext {
  readonly check: CheckDeps
  readonly holds: HoldStore
  /** Writes usage into the log. */
  readonly usage: Pick<UsageWriter, 'encode' | 'send' | 'produce'>
  /** What is stored of the past. */
  readonly history: HistoryStore
  /** Days older than the counters keep. */
  readonly archive: DayArchive
  readonly authenticate: (token: string) => Promise<ApiKey | null>
  /** Every stored version of a workspace's subscription, in the order of arrival. */
  readonly versions: (workspace: string) => Promise<readonly SubscriptionEvent[]>
  /** Every change of a workspace's overrides, oldest first. */
  readonly overrides: (workspace: string) => Promise<readonly OverrideRecord[]>
  /** Sets or ends an override, audited. */
  readonly changeOverride: (wish: OverrideWish) => Promise<OverrideRecord>
  /** The newest revision of the catalogue. */
  readonly catalogueSource: () => Promise<StoredCatalogue>
  /** Stores the next revision of the catalogue. */
  readonly changeCatalogue: (wish: CatalogueWish) => Promise<NextCatalogue>
  readonly catalogueRevisions: () => Promise<readonly StoredCatalogue[]>
  /** A page of a workspace's notices, newest first. */
  readonly notices: NoticeLog['page']
  /** At most `limit` workspaces after one, in the order of their ids. */
  readonly workspacesAfter: (workspace: string, limit: number) => Promise<readonly string[]>
  /** Notes a decision that was made now; never waits, never throws. */
  readonly noteDecision: (decision: Decision) => void
  /** Counts of a workspace's decisions by minute, newest first. */
  readonly decisionPage: DecisionLog['page']
  readonly metrics: ApiMetrics
  /** Dependencies by name; each is null when it works, else what is wrong. */
  readonly health: Readonly<Record<string, () => Promise<string | null>>>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scope that the route needs; null = open to all. A route without it is refused at start. */
    readonly scope?: Scope | null
  }
  interface FastifyRequest {
    /** The key of the request; null where none is needed. */
    apiKey: ApiKey | null
  }
}
