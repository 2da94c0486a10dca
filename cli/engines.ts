import type { Admin, Kafka } from 'kafkajs'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { connectMongo, type MongoConnection } from '#drivers/mongo/connect.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { CommandError, exitCodes, type Target } from './target.ts'

/** Connections of a command that works on the engines themselves. */
export interface Engines {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly redis: Redis
  readonly mongo: MongoConnection
}

/** Connects, runs, and closes again. Throws a CommandError that names the engine that does not answer. */
export async function withEngines<Value>(
  target: Target,
  run: (engines: Engines) => Promise<Value>,
): Promise<Value> {
  const kafka = connectKafka({
    brokers: target.kafka,
    security: target.kafkaSecurity,
    clientId: 'tallygate-cli',
    log: createLogger('cli', 'fatal'),
  })
  const admin = kafka.admin()
  const closing: (() => Promise<unknown>)[] = []
  try {
    await reach('Kafka', target.kafka, () => admin.connect())
    closing.push(() => admin.disconnect())
    const mongo = await reach('MongoDB', target.mongo, () => connectMongo(target.mongo))
    closing.push(() => mongo.close())
    const redis = await reach('Redis', target.redis, () =>
      connectRedis({ url: target.redis, commandTimeoutMs: 10_000 }),
    )
    closing.push(() => redis.quit())
    return await run({ kafka, admin, redis, mongo })
  } finally {
    await Promise.allSettled(closing.map((close) => close()))
  }
}

async function reach<Value>(engine: string, address: string, connect: () => Promise<Value>): Promise<Value> {
  return connect().catch((error: unknown) => {
    const message = `${engine} at ${address} does not answer; is it up? (make up)`
    throw new CommandError(message, exitCodes.unavailable, error)
  })
}
