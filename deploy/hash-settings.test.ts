import { expect, test } from 'vitest'
import { apiEnv } from '#api/config.ts'
import { consumersEnv } from '#consumers/config.ts'
import { hashSettings } from './hash-settings.ts'
import { serviceNames } from './services.ts'

const pepper = 'pepper'
const names = { api: Object.keys(apiEnv), consumers: Object.keys(consumersEnv) }
const other = { api: 'consumers', consumers: 'api' } as const

test.for(serviceNames)(
  'settings: each one of %s changes its hash, one of the other alone does not',
  (name) => {
    const before = hashSettings(name, { env: {}, pepper })
    for (const setting of [...names[name], 'NODE_EXTRA_CA_CERTS', 'OTEL_EXPORTER_OTLP_HEADERS'])
      expect(hashSettings(name, { env: { [setting]: '1' }, pepper }), setting).not.toBe(before)
    const foreign = names[other[name]].filter((setting) => !names[name].includes(setting))
    expect(foreign.length).toBeGreaterThan(5)
    for (const setting of foreign)
      expect(hashSettings(name, { env: { [setting]: '1' }, pepper }), setting).toBe(before)
  },
)

test('settings: their order, an empty one, and where a shell stands change nothing', () => {
  const env = { REDIS_URL: 'redis://a', LOG_LEVEL: 'info' }
  const before = hashSettings('api', { env, pepper })
  const again = { LOG_LEVEL: 'info', REDIS_URL: 'redis://a', KAFKA_SSL: '', PWD: '/tmp', MAKELEVEL: '1' }
  expect(hashSettings('api', { env: again, pepper })).toBe(before)
})

test('settings: two whose texts are swapped, or a text that moves from one to the next, are others', () => {
  const hashes = [
    { REDIS_URL: 'a', MONGODB_URL: 'b' },
    { REDIS_URL: 'b', MONGODB_URL: 'a' },
    { REDIS_URL: 'ab' },
    { MONGODB_URL: 'ab' },
  ].map((env) => hashSettings('consumers', { env, pepper }))
  expect(new Set(hashes).size).toBe(4)
})

test('settings: who does not know the pepper cannot try passwords against the hash', () => {
  const env = { KAFKA_SASL_PASSWORD: 'secret' }
  const hashes = ['one', 'another'].map((own) => hashSettings('consumers', { env, pepper: own }))
  expect(hashes[0]).not.toBe(hashes[1])
})
