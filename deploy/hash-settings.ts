import { createHmac } from 'node:crypto'
import type { ServiceName } from './services.ts'

/** Settings of both our processes, as their `config.ts` have them. */
const shared = [
  ...['LOG_LEVEL', 'START_DEADLINE_MS', 'REDIS_URL', 'MONGODB_URL', 'SCHEMA_REGISTRY_URL'],
  ...['KAFKA_BROKERS', 'KAFKA_SSL', 'KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'],
]

/** Settings of one of them. */
const own: Readonly<Record<ServiceName, readonly string[]>> = {
  api: [
    ...['API_HOST', 'API_PORT', 'ADMIN_HOST', 'ADMIN_PORT', 'TALLYGATE_KEY_PEPPER'],
    ...['CHECK_BUDGET_MS', 'CHECK_CACHE_MS', 'HOLD_BUDGET_MS', 'DRAIN_MS', 'LOOP_DELAY_MAX_MS'],
    ...['KEY_REQUESTS_PER_S', 'KEY_BURST', 'IN_FLIGHT_MAX', 'CONNECTIONS_MAX'],
  ],
  consumers: [
    ...['CONSUMERS_HOST', 'CONSUMERS_PORT', 'CONSUMERS_NAME', 'CONSUMERS_NICE', 'TRUST_APPEND_TIME_HEADER'],
    ...['SESSION_TIMEOUT_MS', 'SNAPSHOT_EVERY_MS', 'STALLED_MAX_MS'],
  ],
}

/** What Node and the sender of traces read by themselves. */
const READ_BY_OTHERS = /^(NODE|OTEL)_/

/** What a process is told: `env` is all that it is started with. */
interface Told {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Makes the hash say nothing to who may read it and guesses a password. */
  readonly pepper: string
}

/**
 * A hash of the settings that one of our processes is told, the same whenever it would behave the same: neither their
 * order nor the rest of the environment matters, and an empty one is left out, as where they are read.
 */
export function hashSettings(name: ServiceName, { env, pepper }: Told): string {
  const names = new Set([...shared, ...own[name]])
  const told = Object.entries(env)
    .filter(([key, value]) => (names.has(key) || READ_BY_OTHERS.test(key)) && (value ?? '') !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return createHmac('sha256', pepper).update(JSON.stringify(told)).digest('hex')
}
