import { type Static, Type } from 'typebox'
import { readEnv } from '#drivers/env.ts'
import { kafkaEnv } from '#drivers/kafka/connect.ts'
import { logEnv } from '#drivers/log.ts'
import { mongoEnv } from '#drivers/mongo/connect.ts'
import { redisEnv } from '#drivers/redis/connect.ts'
import { registryEnv } from '#drivers/registry/schema-registry.ts'

const fragment = {
  ...logEnv,
  ...kafkaEnv,
  ...redisEnv,
  ...mongoEnv,
  ...registryEnv,
  API_HOST: Type.String({ default: '127.0.0.1', description: 'Address to listen on' }),
  API_PORT: Type.Integer({ default: 18_080, minimum: 0, maximum: 65_535, description: 'Port of the API' }),
  ADMIN_PORT: Type.Integer({
    default: 18_082,
    minimum: 0,
    maximum: 65_535,
    description: 'Metrics and readiness detail',
  }),
  TALLYGATE_KEY_PEPPER: Type.String({
    minLength: 32,
    pattern: '^(?!change)',
    description: 'Secret that key hashes are made with; at least 32 characters, the same in every process',
  }),
}

/** Settings of the API's process. */
export type ApiConfig = Static<ReturnType<typeof Type.Object<typeof fragment>>>

/** Reads the settings; throws `invalid_config` with every problem. */
export function apiConfig(env: NodeJS.ProcessEnv): ApiConfig {
  return readEnv(fragment, env)
}
