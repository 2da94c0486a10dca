import type { FastifyBaseLogger } from 'fastify'
import type { ApiKey, Scope } from '#core/api-key.ts'
import type { CorrectionRecord, OverrideRecord } from '#core/audit/audit-entry.ts'
import type { Catalogue, StoredCatalogue } from '#core/catalogue/catalogue.ts'
import type { NotedDecision } from '#core/decisions/decision-count.ts'
import type { CatalogueWish, NextCatalogue } from '#core/operations/change-catalogue.ts'
import type { OverrideWish } from '#core/operations/change-override.ts'
import type { CheckDeps } from '#core/operations/check.ts'
import type { WhatIfDeps } from '#core/operations/what-if.ts'
import type { DayArchive, HistoryStore, HoldStore } from '#core/ports.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import type { UsageWriter } from '#drivers/kafka/usage-writer.ts'
import type { LetterOverview } from '#drivers/letter-overview.ts'
import type { ApiMetrics } from '#drivers/metrics.ts'
import type { CatalogueHead } from '#drivers/mongo/catalogue-log.ts'
import type { DecisionLog } from '#drivers/mongo/decision-log.ts'
import type { LetterLog, LetterQuery } from '#drivers/mongo/letter-log.ts'
import type { NoticeLog } from '#drivers/mongo/notice-log.ts'
import type { Checks } from '#drivers/readiness.ts'
import type { EnforcementLags } from '#drivers/redis/enforcement-lags.ts'
import type { NearLimit, NearQuery } from '#drivers/redis/near-limits.ts'
import type { ShardState } from '#drivers/redis/shard-states.ts'
import type { RulesHistory } from '#drivers/rules-history.ts'
import type { KeyWaits } from './plugins/waiting.ts'

/** Everything the routes are made of; the composition root builds it once. */
export interface ApiContext {
  readonly check: CheckDeps
  /** The same for single checks that take figures as they come: from what is near, where there is such a thing. */
  readonly nearCheck?: CheckDeps
  readonly holds: HoldStore
  /** Writes usage into the log. */
  readonly usage: Pick<UsageWriter, 'encode' | 'send' | 'produce' | 'requireReachable'>
  /** What is stored of the past. */
  readonly history: HistoryStore
  /** Days older than the counters keep. */
  readonly archive: DayArchive
  readonly authenticate: Authenticate
  /** Every stored version of a workspace's subscription, in the order of arrival. */
  readonly versions: (workspace: string) => Promise<readonly SubscriptionEvent[]>
  /** The rules that judge versions: each by what was in force when it happened. */
  readonly rulesJudging: RulesHistory['judging']
  /** Every change of a workspace's overrides, oldest first. */
  readonly overrides: (workspace: string) => Promise<readonly OverrideRecord[]>
  /** Usage of a workspace that was set by hand, oldest first. */
  readonly corrections: (workspace: string) => Promise<readonly CorrectionRecord[]>
  /** Records usage that is about to be set. */
  readonly noteCorrection: (workspace: string, record: CorrectionRecord) => Promise<void>
  /** Sets or ends an override, audited. */
  readonly changeOverride: (wish: OverrideWish) => Promise<OverrideRecord>
  /** The newest revision of the catalogue. */
  readonly catalogueSource: (log: RequestLog) => Promise<StoredCatalogue>
  /** What would follow the newest revision; refuses what `changeCatalogue` refuses, by what some workspaces use. */
  readonly proposeCatalogue: (
    source: unknown,
    seen: Pick<WhatIfDeps, 'workspacesAfter'>,
  ) => Promise<Catalogue>
  /** Stores the next revision of the catalogue. */
  readonly changeCatalogue: (wish: CatalogueWish, log: RequestLog) => Promise<NextCatalogue>
  /** Every revision without what it says, oldest first. */
  readonly catalogueHeads: () => Promise<readonly CatalogueHead[]>
  /** A page of a workspace's notices, newest first. */
  readonly notices: NoticeLog['page']
  /** At most `limit` workspaces after one, in the order of their ids. */
  readonly workspacesAfter: (workspace: string, limit: number) => Promise<readonly string[]>
  /** Notes a decision that was made now; never waits, never throws. */
  readonly noteDecision: (decision: NotedDecision) => void
  /** Counts of a workspace's decisions by minute, newest first. */
  readonly decisionPage: DecisionLog['page']
  /** Who is nearest to a limit, as the judge last saw it. */
  readonly nearLimits: (query: NearQuery) => Promise<readonly NearLimit[]>
  /** Records that were set aside. */
  readonly letters: Pick<LetterLog, 'page' | 'one'> & {
    readonly overview: (query: LetterQuery) => Promise<LetterOverview>
  }
  readonly system: {
    readonly partitions: number
    readonly shards: () => Promise<readonly ShardState[]>
    /** Where the log ends, by partition; null when Kafka does not say. */
    readonly ends: () => Promise<ReadonlyMap<number, number> | null>
    readonly enforcementLags: () => Promise<EnforcementLags>
  }
  readonly metrics: ApiMetrics
  /** Dependencies by name; each is null when it works, else what is wrong. */
  readonly health: Checks
}

/** The log of a request: each line names it, as its failed answer does. */
export type RequestLog = Pick<FastifyBaseLogger, 'warn'>

/** The key that a bearer token is, or null; a promise where it must be read first. */
export type Authenticate = (token: string) => ApiKey | null | Promise<ApiKey | null>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scope that the route needs, or several of which one does; null = open to all. A route without it is refused at start. */
    readonly scope?: Scope | readonly Scope[] | null
  }
  interface FastifyRequest {
    /** The key of the request; null where none is needed. */
    apiKey: ApiKey | null
  }
}

/** The same with what the process makes of its own capacity. */
export interface RouteContext extends ApiContext {
  readonly waits: KeyWaits
}
