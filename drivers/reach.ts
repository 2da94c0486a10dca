import type { Admin, Kafka } from 'kafkajs'
import { TallygateError } from '#core/errors.ts'
import { openAdmin } from './kafka/connect.ts'
import { connectMongo, isMongoAway, type MongoConnection } from './mongo/connect.ts'
import { answeredByRedis, connectRedis, type RedisOptions } from './redis/connect.ts'
import type { Redis } from './redis/connection.ts'
import { requireSafeRedis } from './redis/safe-redis.ts'
import type { SchemaIds } from './registry/schema-registry.ts'
import { untilThere, type WaitOptions } from './until-there.ts'

/** Opens MongoDB once it is there. Throws `unavailable`. */
export function reachMongo(url: string, waiting: WaitOptions): Promise<MongoConnection> {
  const mongo = { name: 'MongoDB', setting: 'MONGODB_URL', isAnswer: (error: unknown) => !isMongoAway(error) }
  return untilThere(mongo, waiting, () => connectMongo(url))
}

/** Opens Redis once it is there and has said that it keeps counters. Throws `unavailable`, and `invalid_config` for one that may lose them. */
export function reachRedis(options: RedisOptions, waiting: WaitOptions): Promise<Redis> {
  const dependency = { name: 'Redis', setting: 'REDIS_URL', isAnswer: answeredByRedis }
  return untilThere(dependency, waiting, async () => {
    const redis = await connectRedis(options)
    try {
      await requireSafeRedis(redis)
      return redis
    } catch (error) {
      redis.disconnect()
      if (error instanceof TallygateError) throw error
      const message =
        'Redis does not say how it keeps data: look at REDIS_URL, and whether its user may ask INFO'
      throw new TallygateError('unavailable', message, {}, error)
    }
  })
}

/** The ids of our schemas, registered where they are not, once the registry is there. Throws `unavailable`, or `invalid_config` for what it refuses. */
export function reachRegistry(waiting: WaitOptions, schemaIds: () => Promise<SchemaIds>): Promise<SchemaIds> {
  const dependency = { name: 'the schema registry', setting: 'SCHEMA_REGISTRY_URL' }
  return untilThere(dependency, waiting, schemaIds)
}

/** Opens Kafka for questions about topics and offsets once it is there. Throws `unavailable`. */
export function reachKafka(kafka: Kafka, waiting: WaitOptions): Promise<Admin> {
  const isAnswer = (error: unknown): boolean => causeNameOf(error) === 'KafkaJSSASLAuthenticationError'
  return untilThere({ name: 'Kafka', setting: 'KAFKA_BROKERS', isAnswer }, waiting, () => openAdmin(kafka))
}

function causeNameOf(error: unknown): string | null {
  const cause = error instanceof Error ? error.cause : null
  return cause instanceof Error ? cause.name : null
}
