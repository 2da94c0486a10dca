import type { Static } from 'typebox'
import { readEnv } from '../env.ts'
import { Type } from '../json-schema.ts'

/** Settings of the Kafka connection. */
export const kafkaEnv = {
  KAFKA_BROKERS: Type.String({
    default: '127.0.0.1:19092',
    pattern: '^[^,\\s]+:\\d+(,[^,\\s]+:\\d+)*$',
    description: 'brokers to ask first, host:port, separated by commas',
  }),
  KAFKA_SSL: Type.Boolean({
    default: false,
    description:
      'true to speak TLS to the brokers; NODE_EXTRA_CA_CERTS names a certificate authority of your own',
  }),
  KAFKA_SASL_MECHANISM: Type.Optional(
    Type.String({
      pattern: '^(plain|scram-sha-256|scram-sha-512)$',
      description: 'how to log in: plain, scram-sha-256 or scram-sha-512',
    }),
  ),
  KAFKA_SASL_USERNAME: Type.Optional(Type.String({ description: 'who logs in' })),
  KAFKA_SASL_PASSWORD: Type.Optional(Type.String({ description: 'the password of who logs in' })),
}

/** Settings of the Kafka connection as they were read. */
export type KafkaSettings = Static<ReturnType<typeof Type.Object<typeof kafkaEnv>>>

/** How to log in, and whether to speak TLS. */
export type KafkaSecurity = Omit<KafkaSettings, 'KAFKA_BROKERS'>

/** Reads how to log in from an environment, for brokers that are known already. Throws `invalid_config`. */
export function readKafkaSecurity(
  env: Readonly<Record<string, string | undefined>>,
  brokers: string,
): KafkaSecurity {
  return readEnv(kafkaEnv, { ...env, KAFKA_BROKERS: brokers }, [kafkaProblems])
}

/** What of a login is missing, and a password that would go over a network as plain text. */
export function kafkaProblems(settings: KafkaSettings): readonly string[] {
  const { KAFKA_BROKERS, KAFKA_SSL, KAFKA_SASL_MECHANISM, ...names } = settings
  const login = [names.KAFKA_SASL_USERNAME, names.KAFKA_SASL_PASSWORD]
  if (KAFKA_SASL_MECHANISM === undefined) {
    const isNamed = login.some((value) => value !== undefined)
    return isNamed ? ['KAFKA_SASL_MECHANISM must be set where a user or a password is'] : []
  }
  const missing = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'].filter(
    (_, index) => login[index] === undefined,
  )
  const isOpen = KAFKA_SASL_MECHANISM === 'plain' && !KAFKA_SSL && !isLocal(KAFKA_BROKERS)
  return [
    ...missing.map((name) => `${name} must be set where KAFKA_SASL_MECHANISM is`),
    ...(isOpen ? ['KAFKA_SSL must be true with plain: the password would be sent as it is'] : []),
  ]
}

function isLocal(brokers: string): boolean {
  return brokers.split(',').every((broker) => /^(127\.0\.0\.1|localhost|\[::1\]):\d+$/.test(broker))
}
