import type { Static } from 'typebox'
import { readEnv } from '#drivers/env.ts'
import { Type } from '#drivers/json-schema.ts'
import { kafkaEnv, kafkaProblems } from '#drivers/kafka/security.ts'
import { logEnv } from '#drivers/log.ts'
import { mongoEnv, mongoProblems } from '#drivers/mongo/connect.ts'
import { redisProblems } from '#drivers/redis/address.ts'
import { redisEnv } from '#drivers/redis/connect.ts'
import { registryEnv, registryProblems } from '#drivers/registry/schema-registry.ts'
import { tracesEnv } from '#drivers/traces.ts'
import { startEnv } from '#drivers/until-there.ts'

/** Every setting of the consumers by its environment name. */
export const consumersEnv = {
  ...logEnv,
  ...kafkaEnv,
  ...redisEnv,
  ...mongoEnv,
  ...registryEnv,
  ...tracesEnv,
  ...startEnv,
  CONSUMERS_PORT: Type.Integer({
    default: 18_090,
    minimum: 0,
    maximum: 65_535,
    description: 'Health and metrics',
  }),
  CONSUMERS_HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on' }),
  CONSUMERS_NAME: Type.String({
    default: `consumers-${process.pid}`,
    description: 'Name in leases and logs',
  }),
  CONSUMERS_NICE: Type.Integer({
    default: 5,
    minimum: 0,
    maximum: 19,
    description:
      'How far counting stands back for other processes of the machine, as nice(1) has it: checks go first',
  }),
  SESSION_TIMEOUT_MS: Type.Integer({
    default: 30_000,
    minimum: 6_000,
    description: 'Kafka group session time-out',
  }),
  SNAPSHOT_EVERY_MS: Type.Integer({
    default: 60_000,
    minimum: 100,
    description: 'Time between snapshots of a shard',
  }),
  STALLED_MAX_MS: Type.Integer({
    default: 45_000,
    minimum: 1_000,
    description:
      'Time without an answer of Kafka, or without progress while records are there, that ends the process',
  }),
  TRUST_APPEND_TIME_HEADER: Type.Boolean({
    default: true,
    description: 'Believe the append time that a redriven or imported record states',
  }),
}

/** Settings of the consumers' process. */
export type ConsumersConfig = Static<ReturnType<typeof Type.Object<typeof consumersEnv>>>

/** Reads the settings; throws `invalid_config` with every problem. */
export function consumersConfig(env: NodeJS.ProcessEnv): ConsumersConfig {
  return readEnv(consumersEnv, env, [kafkaProblems, mongoProblems, redisProblems, registryProblems])
}
