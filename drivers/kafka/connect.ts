import { Kafka, logLevel } from 'kafkajs'
import type { Logger } from 'pino'
import { Type } from 'typebox'
import { registerCodecs } from './codecs.ts'

/** Settings of the Kafka connection. */
export const kafkaEnv = {
  KAFKA_BROKERS: Type.String({
    default: '127.0.0.1:19092',
    pattern: '^[^,\\s]+:\\d+(,[^,\\s]+:\\d+)*$',
    description: 'Brokers to ask first, host:port, separated by commas',
  }),
}

interface KafkaOptions {
  readonly brokers: string
  readonly clientId: string
  readonly log: Logger
}

/** A Kafka client whose own log lines go to ours and that reads every codec. */
export function connectKafka({ brokers, clientId, log }: KafkaOptions): Kafka {
  registerCodecs()
  return new Kafka({
    clientId,
    brokers: brokers.split(','),
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    retry: { retries: 8, initialRetryTime: 100, maxRetryTime: 5_000 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ level, log: entry }) => {
        const { message, ...details } = entry
        if (level === logLevel.ERROR) log.warn({ kafka: details }, message)
        else log.debug({ kafka: details }, message)
      },
  })
}
