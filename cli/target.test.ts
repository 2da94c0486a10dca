import { expect, test } from 'vitest'
import { readTarget } from './target.ts'

const nowhere = { TALLYGATE_DIR: '/nowhere' }

test('target: a command needs only what it asks for, as in a container that has MongoDB and the pepper', () => {
  const target = readTarget({ ...nowhere, MONGODB_URL: 'mongodb://mongo:27017/tallygate' })
  expect(target.mongo).toBe('mongodb://mongo:27017/tallygate')
  expect(() => target.api).toThrow('run make up, or set TALLYGATE_API')
  expect(() => target.keys.check).toThrow('TALLYGATE_KEY')
  expect(() => target.kafkaSecurity).toThrow('KAFKA_BROKERS')
})

test('target: a variable that is empty was left out', () => {
  expect(() => readTarget({ ...nowhere, TALLYGATE_API: '' }).api).toThrow('set TALLYGATE_API')
})

test('target: an address with a slash at its end is the same address', () => {
  expect(readTarget({ ...nowhere, TALLYGATE_API: 'http://api.example:18080/' }).api).toBe(
    'http://api.example:18080',
  )
})
