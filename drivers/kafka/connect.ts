import { type Admin, Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import type { Logger } from 'pino'
import { TallygateError } from '#core/errors.ts'
import { registerCodecs } from './codecs.ts'
import { quickenRecordDeltas } from './record-deltas.ts'
import { quietRequestQueues } from './request-queue.ts'
import type { KafkaSecurity } from './security.ts'

interface KafkaOptions {
  readonly brokers: string
  readonly clientId: string
  readonly log: Logger
  /** Plain text without a login when left out. */
  readonly security?: KafkaSecurity
}

/** A Kafka client whose own log lines go to ours, that reads every codec and rests while there is nothing to do. */
export function connectKafka({ brokers, clientId, log, security }: KafkaOptions): Kafka {
  registerCodecs()
  quickenRecordDeltas()
  quietRequestQueues()
  return new Kafka({
    clientId,
    brokers: brokers.split(','),
    ...(security === undefined ? {} : { ssl: security.KAFKA_SSL, ...loginOf(security) }),
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

/** Connects to ask about topics and offsets, for some twenty seconds. Throws `unavailable`. */
export async function openAdmin(kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin()
  await admin.connect().catch((error: unknown) => {
    const message =
      'Kafka does not answer, or refuses the login: look at KAFKA_BROKERS, and whether Kafka runs'
    throw new TallygateError('unavailable', message, {}, error)
  })
  return admin
}

function loginOf(security: KafkaSecurity): Pick<KafkaConfig, 'sasl'> {
  const {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
  } = security
  if (username === undefined || password === undefined) return {}
  switch (mechanism) {
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512':
      return { sasl: sasl(mechanism, { username, password }) }
    default:
      return {}
  }
}

/** The client's type wants to know which of the three it is. */
function sasl(
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512',
  login: { readonly username: string; readonly password: string },
): NonNullable<KafkaConfig['sasl']> {
  if (mechanism === 'plain') return { mechanism, ...login }
  return mechanism === 'scram-sha-256' ? { mechanism, ...login } : { mechanism, ...login }
}
