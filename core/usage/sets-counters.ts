/** Whether an event sets counters instead of adding to them: who sends one by hand is recorded (G28). */
export function setsCounters({
  record,
  action,
}: {
  readonly record: string
  readonly action?: unknown
}): boolean {
  return record === 'UsageSnapshotEvent' || (record === 'MeterEvent' && action === 'set')
}
