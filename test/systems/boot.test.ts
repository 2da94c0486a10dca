import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePorts } from '#deploy/local/ports.ts'
import { type ServiceName, serviceEnv } from '#deploy/services.ts'
import { setUp } from '#deploy/setup.ts'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { boot } from '#test/helpers/boot.ts'

const PEPPER = '3f1c9e07ab52d846f1c9e07ab52d8463'
const SECRET = 'planted-boot-password'
const [api = 0, admin = 0, consumers = 0, nobody = 0] = await freePorts(4)
const mongo = (query: string): string => `mongodb://app:${SECRET}@127.0.0.1:${nobody}/tallygate?${query}`

beforeAll(() => setUp(engineAddresses()))

/** Settings that run, on the engines of this run. */
function goodSettings(): Record<string, string> {
  const ports = { api, admin, consumers }
  const settings = serviceEnv({ addresses: engineAddresses(), pepper: PEPPER, ports })
  return { ...settings, START_DEADLINE_MS: '5000' }
}

interface Refusal {
  readonly what: string
  readonly process?: ServiceName
  readonly settings: Readonly<Record<string, string>>
  /** The sentence must name the setting and say what to do. */
  readonly names: string
  readonly fix: RegExp
}

/** Settings that no process may start with. */
const refusals: readonly Refusal[] = [
  {
    what: 'no pepper',
    settings: { TALLYGATE_KEY_PEPPER: '' },
    names: 'TALLYGATE_KEY_PEPPER',
    fix: /must be set.*openssl rand/,
  },
  {
    what: 'a short pepper',
    settings: { TALLYGATE_KEY_PEPPER: 'c0ffee' },
    names: 'TALLYGATE_KEY_PEPPER',
    fix: /32 .*openssl rand/,
  },
  {
    what: 'the pepper of an example',
    settings: { TALLYGATE_KEY_PEPPER: 'change-me-change-me-change-me-1234567890' },
    names: 'TALLYGATE_KEY_PEPPER',
    fix: /openssl rand/,
  },
  {
    what: 'a pepper of one letter',
    settings: { TALLYGATE_KEY_PEPPER: 'a'.repeat(64) },
    names: 'TALLYGATE_KEY_PEPPER',
    fix: /openssl rand/,
  },
  { what: 'a port that is none', settings: { API_PORT: '65536' }, names: 'API_PORT', fix: /65535/ },
  { what: 'a port of words', settings: { ADMIN_PORT: 'http' }, names: 'ADMIN_PORT', fix: /must be integer/ },
  {
    what: 'a negative port',
    process: 'consumers',
    settings: { CONSUMERS_PORT: '-1' },
    names: 'CONSUMERS_PORT',
    fix: />= 0/,
  },
  {
    what: 'no time to wait',
    process: 'consumers',
    settings: { START_DEADLINE_MS: '-1' },
    names: 'START_DEADLINE_MS',
    fix: />= 0/,
  },
  {
    what: 'an unknown log level',
    settings: { LOG_LEVEL: 'loud' },
    names: 'LOG_LEVEL',
    fix: /trace, debug, info/,
  },
  {
    what: 'a switch that is neither on nor off',
    process: 'consumers',
    settings: { TRUST_APPEND_TIME_HEADER: 'maybe' },
    names: 'TRUST_APPEND_TIME_HEADER',
    fix: /boolean/,
  },
  {
    what: 'a session that ends at once',
    process: 'consumers',
    settings: { SESSION_TIMEOUT_MS: '10' },
    names: 'SESSION_TIMEOUT_MS',
    fix: />= 6000/,
  },
  {
    what: 'brokers without ports',
    settings: { KAFKA_BROKERS: 'kafka.example' },
    names: 'KAFKA_BROKERS',
    fix: /host:port/,
  },
  {
    what: 'Redis by another protocol',
    settings: { REDIS_URL: 'http://127.0.0.1:1' },
    names: 'REDIS_URL',
    fix: /rediss:\/\//,
  },
  {
    what: 'a registry by another protocol',
    settings: { SCHEMA_REGISTRY_URL: 'file:///etc' },
    names: 'SCHEMA_REGISTRY_URL',
    fix: /https:\/\//,
  },
  {
    what: 'MongoDB by another protocol',
    settings: { MONGODB_URL: 'postgres://h/d' },
    names: 'MONGODB_URL',
    fix: /mongodb:\/\//,
  },
  {
    what: 'writes that one server has',
    settings: { MONGODB_URL: mongo('w=1') },
    names: 'MONGODB_URL',
    fix: /w=1; take it out/,
  },
  {
    what: 'writes that nobody acknowledges',
    process: 'consumers',
    settings: { MONGODB_URL: mongo('w=0') },
    names: 'MONGODB_URL',
    fix: /w=0; take it out/,
  },
  {
    what: 'writes outside the journal',
    settings: { MONGODB_URL: mongo('journal=false') },
    names: 'MONGODB_URL',
    fix: /journal=false; take it out/,
  },
  {
    what: 'reads of what may be undone',
    settings: { MONGODB_URL: mongo('readConcernLevel=available') },
    names: 'MONGODB_URL',
    fix: /available; take it out/,
  },
  {
    what: 'reads that are behind',
    settings: { MONGODB_URL: mongo('readPreference=secondary') },
    names: 'MONGODB_URL',
    fix: /secondary; take it out/,
  },
  {
    what: 'TLS that believes anybody',
    settings: { MONGODB_URL: mongo('tls=true&tlsInsecure=true') },
    names: 'MONGODB_URL',
    fix: /tlsInsecure=true; take it out/,
  },
  {
    what: 'an unknown way to log in to Kafka',
    settings: { KAFKA_SASL_MECHANISM: 'kerberos' },
    names: 'KAFKA_SASL_MECHANISM',
    fix: /plain, scram/,
  },
  {
    what: 'a Kafka user without a way to log in',
    settings: { KAFKA_SASL_USERNAME: 'app' },
    names: 'KAFKA_SASL_MECHANISM',
    fix: /must be set/,
  },
  {
    what: 'a way to log in to Kafka without a password',
    process: 'consumers',
    settings: { KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'app' },
    names: 'KAFKA_SASL_PASSWORD',
    fix: /must be set/,
  },
  {
    what: 'a Kafka password as plain text over a network',
    settings: {
      KAFKA_BROKERS: 'kafka.example:9092',
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'app',
      KAFKA_SASL_PASSWORD: SECRET,
    },
    names: 'KAFKA_SSL',
    fix: /must be true/,
  },
  {
    what: 'MongoDB that does not answer',
    settings: { MONGODB_URL: mongo('serverSelectionTimeoutMS=500') },
    names: 'MONGODB_URL',
    fix: /whether MongoDB runs/,
  },
  {
    what: 'Redis that does not answer',
    settings: { REDIS_URL: `redis://app:${SECRET}@127.0.0.1:${nobody}` },
    names: 'REDIS_URL',
    fix: /whether Redis runs/,
  },
  {
    what: 'a registry that does not answer',
    process: 'consumers',
    settings: { SCHEMA_REGISTRY_URL: `http://app:${SECRET}@127.0.0.1:${nobody}` },
    names: 'SCHEMA_REGISTRY_URL',
    fix: /whether it runs/,
  },
  {
    what: 'Kafka that does not answer',
    process: 'consumers',
    settings: { KAFKA_BROKERS: `127.0.0.1:${nobody}` },
    names: 'KAFKA_BROKERS',
    fix: /whether Kafka runs/,
  },
]

describe('boot matrix', () => {
  test.concurrent.for(refusals)(
    'G22: $what: refused, with the setting and what to do',
    async ({ process: name = 'api', settings, names, fix }, { expect }) => {
      const { code, output } = await boot(name, { ...goodSettings(), ...settings })
      expect(code, output).toBe(1)
      const last = output.split('\n').findLast((line) => line.includes('"level":60'))
      const sentence = String(Object(JSON.parse(last ?? '{}')).msg)
      expect(sentence).toContain(names)
      expect(sentence).toMatch(fix)
      expect(output).not.toContain(SECRET)
    },
  )

  test.for([
    ['api', 'API_PORT'],
    ['api', 'ADMIN_PORT'],
    ['consumers', 'CONSUMERS_PORT'],
  ] as const)('%s: a taken %s is named', async ([name, setting]) => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const taken = String(Object(server.address()).port)
    const { code, output } = await boot(name, { ...goodSettings(), [setting]: taken })
    expect(code, output).toBe(1)
    expect(output).toContain(`port ${taken} of 127.0.0.1 is taken by another program: set ${setting}`)
  })

  test('all problems are named at once', async () => {
    const settings = { ...goodSettings(), API_PORT: 'x', LOG_LEVEL: 'loud', REDIS_URL: 'x' }
    const { output } = await boot('api', settings, '--validate')
    for (const name of ['API_PORT', 'LOG_LEVEL', 'REDIS_URL']) expect(output).toContain(name)
  })

  test.for(['api', 'consumers'] as const)(
    '%s: good settings are found good without starting anything',
    async (name) => {
      const secured = {
        KAFKA_BROKERS: 'a.example:9093,b.example:9093',
        KAFKA_SSL: 'true',
        KAFKA_SASL_MECHANISM: 'plain',
        KAFKA_SASL_USERNAME: 'app',
        KAFKA_SASL_PASSWORD: SECRET,
        MONGODB_URL: `mongodb://app:${SECRET}@a.example:1,b.example:2/tallygate?replicaSet=rs0&w=majority&tls=true&retryWrites=true`,
        REDIS_URL: `rediss://app:${SECRET}@redis.example:6380`,
      }
      expect(await boot(name, { ...goodSettings(), ...secured }, '--validate')).toEqual({
        code: 0,
        output: '',
      })
    },
  )
})

describe('boot matrix: Redis', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await RedisServer.start()
  })
  afterAll(() => server.stop())

  test.for([
    [
      'an eviction policy',
      'maxmemory-policy',
      'allkeys-lru',
      'noeviction',
      /allkeys-lru; counters need noeviction/,
    ],
    ['no append-only file', 'appendonly', 'no', 'yes', /set appendonly yes/],
  ] as const)('G22: Redis with %s: refused by API and consumers', async ([, setting, bad, good, fix]) => {
    await server.ask((redis) => redis.config('SET', setting, bad))
    for (const name of ['api', 'consumers'] as const) {
      const settings = { ...goodSettings(), REDIS_URL: `redis://127.0.0.1:${server.port}` }
      const { code, output } = await boot(name, settings)
      expect(code, output).toBe(1)
      expect(output).toContain('REDIS_URL')
      expect(output).toMatch(fix)
    }
    await server.ask((redis) => redis.config('SET', setting, good))
  })
})
