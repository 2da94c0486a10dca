import type { Static } from 'typebox'
import { readEnv } from '#drivers/env.ts'
import { Type } from '#drivers/json-schema.ts'
import { kafkaEnv, kafkaProblems } from '#drivers/kafka/security.ts'
import { logEnv } from '#drivers/log.ts'
import { mongoEnv, mongoProblems } from '#drivers/mongo/connect.ts'
import { pepperEnv, pepperProblems } from '#drivers/mongo/pepper.ts'
import { redisProblems } from '#drivers/redis/address.ts'
import { type RedisOptions, redisEnv } from '#drivers/redis/connect.ts'
import { registryEnv, registryProblems } from '#drivers/registry/schema-registry.ts'
import { tracesEnv } from '#drivers/traces.ts'
import { startEnv } from '#drivers/until-there.ts'

/** Every setting of the API by its environment name. */
export const apiEnv = {
  ...logEnv,
  ...kafkaEnv,
  ...redisEnv,
  ...mongoEnv,
  ...registryEnv,
  ...tracesEnv,
  ...startEnv,
  API_HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on' }),
  API_PORT: Type.Integer({ default: 18_080, minimum: 0, maximum: 65_535, description: 'Port of the API' }),
  ADMIN_HOST: Type.String({
    default: '127.0.0.1',
    description: 'Address that metrics and readiness detail listen on',
  }),
  ADMIN_PORT: Type.Integer({
    default: 18_082,
    minimum: 0,
    maximum: 65_535,
    description: 'Metrics and readiness detail',
  }),
  CHECK_BUDGET_MS: Type.Integer({
    default: 50,
    minimum: 1,
    maximum: 10_000,
    description: "How long an answer waits for its figures, ms; then each feature's onUnavailable decides",
  }),
  CHECK_CACHE_MS: Type.Integer({
    default: 250,
    minimum: 0,
    maximum: 1_000,
    description:
      'No check is answered by an older state of Redis than so many ms; 0 = each asks it, as with a Redis Cluster',
  }),
  HOLD_BUDGET_MS: Type.Integer({
    default: 250,
    minimum: 1,
    maximum: 10_000,
    description: 'How long consuming and reserving wait for a hold, ms',
  }),
  KEY_REQUESTS_PER_S: Type.Integer({
    default: 5_000,
    minimum: 1,
    description:
      'Items that one key may ask for a second, in each process; a request without a list is one; more answer 429',
  }),
  KEY_BURST: Type.Integer({
    default: 10_000,
    minimum: 1,
    description: 'Items that a key may ask for at once after it was silent',
  }),
  IN_FLIGHT_MAX: Type.Integer({
    default: 2_000,
    minimum: 1,
    description:
      'Items under way at once, a request without a list is one; more answer 503: half a second of one core where each is consumed by itself',
  }),
  LOOP_DELAY_MAX_MS: Type.Integer({
    default: 150,
    minimum: 10,
    description:
      'How late the event loop may be, smoothed or in the round it is in, before requests answer 503, ms',
  }),
  CONNECTIONS_MAX: Type.Integer({
    default: 5_000,
    minimum: 1,
    description: 'Open connections; more are closed at once',
  }),
  DRAIN_MS: Type.Integer({
    default: 1_000,
    minimum: 0,
    maximum: 5_000,
    description: 'How long a process that was told to stop goes on answering, unready, before it closes, ms',
  }),
  ...pepperEnv,
}

/** Settings of the API's process. */
export type ApiConfig = Static<ReturnType<typeof Type.Object<typeof apiEnv>>>

/** Reads the settings; throws `invalid_config` with every problem. */
export function apiConfig(env: NodeJS.ProcessEnv): ApiConfig {
  return readEnv(apiEnv, env, [kafkaProblems, mongoProblems, redisProblems, registryProblems, pepperProblems])
}

/** How the API talks to Redis: no call ends before an answer has waited for its budget. */
export function redisOf({ REDIS_URL: url, CHECK_BUDGET_MS, HOLD_BUDGET_MS }: ApiConfig): RedisOptions {
  const commandTimeoutMs = Math.max(1_000, CHECK_BUDGET_MS, HOLD_BUDGET_MS)
  return { url, commandTimeoutMs, silenceMaxMs: commandTimeoutMs + 2_000 }
}
