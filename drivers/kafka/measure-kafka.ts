import { Gauge, type Registry } from 'prom-client'
import { inTime } from '../in-time.ts'

interface MeasureOptions {
  /** Records of `subscription.events` that are not in force yet, by partition of this process. */
  readonly subscriptionLag: () => Promise<ReadonlyMap<number, number>>
  /** Since when Kafka has not answered a consumer, ms, by consumer. */
  readonly silenceMs: () => Readonly<Record<string, number>>
}

/** A scrape waits for Kafka no longer than this, ms: what else it asked must still arrive. */
const ASKED_WITHIN_MS = 1_000

/** Has a scrape say what consumers wait for in Kafka, or how long Kafka has said nothing. */
export function measureKafka(registry: Registry, { subscriptionLag, silenceMs }: MeasureOptions): void {
  const registers = [registry]
  const late = (): Error => new Error('Kafka does not say it in time')
  const lag = new Gauge({
    name: 'tallygate_subscription_lag_records',
    help: 'Records of a partition of subscription.events that are not in force yet; absent where Kafka does not say',
    labelNames: ['partition'] as const,
    registers,
    collect: async () => {
      const lags = await inTime(subscriptionLag(), { withinMs: ASKED_WITHIN_MS, late }).catch(() => null)
      lag.reset()
      for (const [partition, records] of lags ?? []) lag.set({ partition: String(partition) }, records)
    },
  })
  const silence = new Gauge({
    name: 'tallygate_kafka_silence_seconds',
    help: 'Since when Kafka has not answered a consumer, by consumer',
    labelNames: ['consumer'] as const,
    registers,
    collect: () => {
      for (const [consumer, ms] of Object.entries(silenceMs())) silence.set({ consumer }, ms / 1_000)
    },
  })
}
