import type { ConsumerMetrics } from '#drivers/metrics.ts'
import type { ApplyReply, SliceEvent } from '#drivers/redis/apply.ts'

/** Feeds what became of each call into the metrics. */
export function observeApply(
  metrics: ConsumerMetrics,
  now: () => number,
): (reply: ApplyReply, events: readonly SliceEvent[]) => void {
  return (reply, events) => {
    if (reply.outcome !== 'OK' && events.length > 0) metrics.fences.inc({ outcome: reply.outcome })
    if (reply.counted > 0) metrics.applied.inc({ outcome: 'counted' }, reply.counted)
    if (reply.duplicates > 0) metrics.applied.inc({ outcome: 'duplicate' }, reply.duplicates)
    const newest = events.at(-1)
    if (newest !== undefined) metrics.enforcementLag.observe(Math.max(now() - newest.appendedAt, 0) / 1_000)
  }
}
