import type { Logger } from 'pino'
import type { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import type { ConsumerMetrics } from '#drivers/metrics.ts'
import type { DriftLog } from '#drivers/mongo/drift-log.ts'
import type { ApplyReply } from '#drivers/redis/apply.ts'
import type { LagTeller } from './lag-teller.ts'
import type { AppliedCall } from './shard-track.ts'

interface ObserveOptions {
  readonly metrics: ConsumerMetrics
  readonly lags: Pick<LagTeller, 'observe'>
  readonly drifts: Pick<DriftLog, 'append'>
  readonly catalogues: Pick<MongoCatalogueStore, 'heardOf'>
  readonly now: () => number
  readonly log: Logger
}

/**
 * Feeds what became of each call into the metrics, drift into its list, and hears of the catalogue in force.
 *
 * What is counted again by a rebuild is not late: nothing is decided by its shard's counters meanwhile.
 *
 * The list is for people: a crash right after the call loses an entry of it, never the correction itself.
 */
export function observeApply({
  metrics,
  lags,
  drifts,
  catalogues,
  now,
  log,
}: ObserveOptions): (reply: ApplyReply, call: AppliedCall) => void {
  return (reply, { partition, events, stated, at }) => {
    catalogues.heardOf(reply.catalogueRevision)
    if (reply.outcome !== 'OK' && events > 0) metrics.fences.inc({ outcome: reply.outcome })
    if (reply.counted > 0) metrics.applied.inc({ outcome: 'counted' }, reply.counted)
    if (reply.duplicates > 0) metrics.applied.inc({ outcome: 'duplicate' }, reply.duplicates)
    if (reply.counted > 0 && reply.isReady) {
      const lagMs = Math.max(now() - at, 0)
      metrics.enforcementLag.observe(lagMs / 1_000)
      lags.observe(partition, lagMs)
    }
    for (const drift of reply.drifts) {
      const event = stated.find(({ offset }) => offset === drift.offset)
      if (event === undefined) continue
      metrics.drifts.inc({ meter: drift.meter })
      const entry = { ...drift, workspace: event.workspace, partition, appendedAt: event.appendedAt }
      log.warn({ ...entry, eventId: event.id }, 'the product counts otherwise; its count is in force now')
      void drifts.append(entry).catch((error: unknown) => log.error({ err: error }, 'drift was not listed'))
    }
  }
}
