import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { deadLetterCodes } from '#core/errors.ts'
import { noticeTypes } from '#core/notices/notice.ts'
import { warningCodes } from '#core/subscription/flag-trial.ts'
import { DecisionTally } from './decision-tally.ts'

/** A process's own metrics, with those of Node. Names follow the conventions of Prometheus. */
export function createMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

/** What the API measures. No label names a workspace. */
export function apiMetrics(registry: Registry) {
  const registers = [registry]
  const metrics = {
    decisions: new DecisionTally(registry),
    shadowDenials: new Counter({
      name: 'tallygate_shadow_denials_total',
      help: 'Decisions that were allowed because the feature is in shadow mode, by feature and reason',
      labelNames: ['feature', 'reason'] as const,
      registers,
    }),
    decisionsDropped: new Counter({
      name: 'tallygate_decisions_not_logged_total',
      help: 'Decisions that found no room in the decision log',
      registers,
    }),
    circuits: new Gauge({
      name: 'tallygate_circuit_open',
      help: 'Ways to a dependency that are not taken because it has not answered lately, as of the last calls; 0 or 1, of a Redis Cluster up to one a shard',
      labelNames: ['dependency'] as const,
      registers,
    }),
    shed: new Counter({
      name: 'tallygate_requests_shed_total',
      help: 'Requests that were turned away, by cause: key, unknown_key, unread, in_flight, loop or waits',
      labelNames: ['cause'] as const,
      registers,
    }),
    requests: new Histogram({
      name: 'tallygate_http_request_seconds',
      help: 'Time to answer by route and status',
      labelNames: ['route', 'status'] as const,
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
      registers,
    }),
  }
  const causes = ['key', 'unknown_key', 'unread', 'in_flight', 'loop', 'waits']
  for (const cause of causes) metrics.shed.inc({ cause }, 0)
  return metrics
}

/** What the consumers measure. Children of closed sets begin at 0, so that the first of a kind is seen as an increase. */
export function consumerMetrics(registry: Registry) {
  const registers = [registry]
  const metrics = { ...countingMetrics(registers), ...keepingMetrics(registers) }
  for (const topic of ['usage.events', 'subscription.events'])
    for (const code of deadLetterCodes) metrics.deadLetters.inc({ topic, code }, 0)
  for (const outcome of ['counted', 'duplicate']) metrics.applied.inc({ outcome }, 0)
  for (const outcome of ['stored', 'nothing', 'given-up', 'failed']) metrics.snapshots.inc({ outcome }, 0)
  for (const outcome of ['OLD', 'REGRESSED', 'INC']) metrics.fences.inc({ outcome }, 0)
  for (const type of noticeTypes) metrics.notices.inc({ type }, 0)
  for (const code of warningCodes) metrics.warnings.inc({ code }, 0)
  return metrics
}

function countingMetrics(registers: Registry[]) {
  return {
    applied: new Counter({
      name: 'tallygate_usage_events_total',
      help: 'Usage events by outcome: counted or duplicate',
      labelNames: ['outcome'] as const,
      registers,
    }),
    useMissing: new Counter({
      name: 'tallygate_use_missing_total',
      help: 'Times that a shard found records of a partition gone from the log before they were counted',
      labelNames: ['partition'] as const,
      registers,
    }),
    deadLetters: new Counter({
      name: 'tallygate_dead_letters_total',
      help: 'Records set aside by topic and code',
      labelNames: ['topic', 'code'] as const,
      registers,
    }),
    warnings: new Counter({
      name: 'tallygate_subscription_warnings_total',
      help: 'Versions of subscriptions that were applied and look wrong, by code',
      labelNames: ['code'] as const,
      registers,
    }),
    lag: new Gauge({
      name: 'tallygate_usage_lag_records',
      help: 'Records of a partition that are not counted yet, by the process that counts it',
      labelNames: ['partition'] as const,
      registers,
    }),
    drifts: new Counter({
      name: 'tallygate_drift_total',
      help: "Counters that the product's own count corrected, by meter",
      labelNames: ['meter'] as const,
      registers,
    }),
    notices: new Counter({
      name: 'tallygate_notices_total',
      help: 'Notices published by type',
      labelNames: ['type'] as const,
      registers,
    }),
    enforcementLag: new Histogram({
      name: 'tallygate_enforcement_lag_seconds',
      help: "From append to counted, of each call's newest record, by Kafka's append time; without what a rebuild counts again",
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300],
      registers,
    }),
    fences: new Counter({
      name: 'tallygate_apply_fenced_total',
      help: 'Calls that a fence turned away, by outcome',
      labelNames: ['outcome'] as const,
      registers,
    }),
  }
}

function keepingMetrics(registers: Registry[]) {
  return {
    rebuildsStarted: new Counter({
      name: 'tallygate_shard_rebuilds_started_total',
      help: 'Shards that this process began to rebuild; tallygate_shard_rebuild_seconds has those it finished',
      registers,
    }),
    rebuildSeconds: new Histogram({
      name: 'tallygate_shard_rebuild_seconds',
      help: 'From noticing that a shard is lost to reading the log on; what is left of the log is not in it',
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300],
      registers,
    }),
    snapshots: new Counter({
      name: 'tallygate_snapshot_rounds_total',
      help: 'Snapshot rounds of shards by outcome: stored, nothing, given-up or failed',
      labelNames: ['outcome'] as const,
      registers,
    }),
  }
}

/** What the sweeper measures. */
export function sweeperMetrics(registry: Registry) {
  const swept = new Counter({
    name: 'tallygate_swept_operations_total',
    help: 'Operations with open holds that were due, by outcome; alarm on dropped',
    labelNames: ['outcome'] as const,
    registers: [registry],
  })
  for (const outcome of ['rebuilding', 'later', 'gone', 'released', 'produce', 'dropped'])
    swept.inc({ outcome }, 0)
  return { swept }
}

/** The API's metrics. */
export type ApiMetrics = ReturnType<typeof apiMetrics>
/** The consumers' metrics. */
export type ConsumerMetrics = ReturnType<typeof consumerMetrics>
/** The sweeper's metrics. */
export type SweeperMetrics = ReturnType<typeof sweeperMetrics>
