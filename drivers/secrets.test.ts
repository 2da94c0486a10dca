import { expect, test } from 'vitest'
import { redactorOf, secretsOf } from './secrets.ts'

const settings = {
  REDIS_URL: 'rediss://tallygate:p%40ss%2Fword@cache.example:6379/0',
  MONGODB_URL: 'mongodb://app:m0ngo-secret@a.example:27017,b.example:27017/tallygate?tls=true',
  KAFKA_SASL_PASSWORD: 'kafka "secret"',
  TALLYGATE_KEY_PEPPER: 'pepper-0123456789-0123456789-0123',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic abcdef',
  KAFKA_BROKERS: 'a.example:9092',
  API_PORT: 18_080,
}

test('every secret of the settings is known: passwords in URLs as they stand and decoded', () => {
  expect(new Set(secretsOf(settings))).toEqual(
    new Set([
      'p%40ss%2Fword',
      'p@ss/word',
      'm0ngo-secret',
      'kafka "secret"',
      'pepper-0123456789-0123456789-0123',
      'authorization=Basic abcdef',
    ]),
  )
})

test('a password that should have been percent-encoded is known all the same', () => {
  const found = secretsOf({ SCHEMA_REGISTRY_URL: 'http://user:pa/ss-w0rd@host:8081/apis' })
  expect(found).toEqual(['pa/ss-w0rd'])
})

test('G12: a line as long as a record may be is looked through at once', () => {
  const redact = redactorOf([])
  const spans = ['a', 'a.', 'x://', 'x://b:', 'x:', '://'].map((shape) => {
    const text = shape.repeat(500_000 / shape.length)
    const { user: before } = process.cpuUsage()
    expect(redact(text)).toBe(text)
    return process.cpuUsage().user - before
  })
  // Microseconds of processor time: from each letter anew it would be minutes.
  expect(Math.max(...spans)).toBeLessThan(2_000_000)
})

test('secrets are cut out of a line of JSON wherever they stand, and it stays JSON', () => {
  const redact = redactorOf(secretsOf(settings))
  const line = JSON.stringify({ level: 50, err: { args: ['tallygate', 'p@ss/word'] }, ...settings })
  const cut = redact(line)
  for (const secret of secretsOf(settings)) {
    expect(cut).not.toContain(JSON.stringify(secret).slice(1, -1))
  }
  expect(JSON.parse(cut)).toMatchObject({ level: 50, KAFKA_BROKERS: 'a.example:9092' })
})

test('the password of any URL and the secret of any key are cut out, though nobody named them', () => {
  const redact = redactorOf([])
  expect(redact('at redis://:hunter22@h:1/0 and https://u:p@r.example/x')).toBe(
    'at redis://:…@h:1/0 and https://u:…@r.example/x',
  )
  for (const before of ['\u001b[32m', '...', '-', 'x=1'])
    expect(redact(`${before}redis://u:hunter22@h`)).toBe(`${before}redis://u:…@h`)
  expect(redact(`Bearer tg_live_ABCDEFGH_${'s'.repeat(43)}.`)).toBe('Bearer tg_live_ABCDEFGH_….')
  expect(redact('redis://127.0.0.1:6379 mail a@b.example 12:30')).toBe(
    'redis://127.0.0.1:6379 mail a@b.example 12:30',
  )
})
