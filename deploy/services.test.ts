import { expect, test } from 'vitest'
import { fixedPorts } from './local/engines.ts'
import { servicePorts } from './services.ts'

test('make up: a port whose variable is empty is the usual one', () => {
  expect(servicePorts({ API_PORT: '', ADMIN_PORT: '28082' })).toEqual({
    api: 18_080,
    admin: 28_082,
    consumers: 18_090,
  })
  expect(fixedPorts({ TALLYGATE_REDIS_PORT: '' })).toEqual(fixedPorts({}))
})

test('make up: what is no port is refused by the name of its variable, before anything is stopped or started', () => {
  for (const text of ['abc', '0', '65536', '1.5']) {
    expect(() => servicePorts({ API_PORT: text })).toThrow(/API_PORT must be .*a port of this machine/)
    expect(() => fixedPorts({ TALLYGATE_KAFKA_PORT: text })).toThrow('TALLYGATE_KAFKA_PORT')
  }
})
