import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** A process's own metrics, with those of Node. Names follow the conventions of Prometheus. */
export function createMetrics(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

/** What the API measures. No label names a workspace. */
export function apiMetrics(registry: Registry) {
  const registers = [registry]
  return {
    decisions: new Counter({
      name: 'tallygate_decisions_total',
      help: 'Decisions by feature, reason and whether they were degraded',
      labelNames: ['feature', 'reason', 'degraded'] as const,
      registers,
    }),
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
    requests: new Histogram({
      name: 'tallygate_http_request_seconds',
      help: 'Time to answer by route and status',
      labelNames: ['route', 'status'] as const,
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
      registers,
    }),
  }
}

/** What the consumers measure. */
export function consumerMetrics(registry: Registry) {
  const registers = [registry]
  return {
    applied: new Counter({
      name: 'tallygate_usage_events_total',
      help: 'Usage events by outcome: counted or duplicate',
      labelNames: ['outcome'] as const,
      registers,
    }),
    deadLetters: new Counter({
      name: 'tallygate_dead_letters_total',
      help: 'Records set aside by topic and code',
      labelNames: ['topic', 'code'] as const,
      registers,
    }),
    lag: new Gauge({
      name: 'tallygate_usage_lag_records',
      help: 'Records of a partition that are not counted yet',
      labelNames: ['partition'] as const,
      registers,
    }),
    drifts: new Counter({
      name: 'tallygate_drift_total',
      help: "Counters that the product's own count corrected, by meter",
      labelNames: ['meter'] as const,
      registers,
    }),
    rebuilds: new Counter({
      name: 'tallygate_shard_rebuilds_total',
      help: 'Shards that were rebuilt from the log',
      registers,
    }),
    snapshots: new Counter({
      name: 'tallygate_snapshot_rounds_total',
      help: 'Snapshot rounds of shards by outcome',
      labelNames: ['outcome'] as const,
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
      help: 'From append to counted, of the newest event of each call',
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
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

/** What the sweeper measures. */
export function sweeperMetrics(registry: Registry) {
  return {
    swept: new Counter({
      name: 'tallygate_swept_operations_total',
      help: 'Operations with open holds that were due, by outcome; alarm on dropped',
      labelNames: ['outcome'] as const,
      registers: [registry],
    }),
  }
}

/** The API's metrics. */
export type ApiMetrics = ReturnType<typeof apiMetrics>
/** The consumers' metrics. */
export type ConsumerMetrics = ReturnType<typeof consumerMetrics>
/** The sweeper's metrics. */
export type SweeperMetrics = ReturnType<typeof sweeperMetrics>
