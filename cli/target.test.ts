import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
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

test('target: how an address is written is no fault of it', () => {
  expect(readTarget({ ...nowhere, TALLYGATE_API: 'HTTPS://Api.Example' }).api).toBe('HTTPS://Api.Example')
})

test.for(['tallygate.example', 'localhost:18080', 'ftp://x', 'http://'])(
  'target: what is no address is refused as such, not as an API that does not answer: %s',
  (api) => {
    expect(() => readTarget({ ...nowhere, TALLYGATE_API: api }).api).toThrow(
      `TALLYGATE_API must be an address`,
    )
  },
)

test.for(['http://crm:s3cret@localhost:18080', 'crm:s3cret@localhost:18080', 'http://localhost:18080/?a=b'])(
  'target: an address that fetch does not take is refused, and not printed, since a password may be in it: %s',
  (api) => {
    const read = (): string => readTarget({ ...nowhere, TALLYGATE_API: api }).api
    expect(read).toThrow(/^TALLYGATE_API must be an address(?!.*s3cret)/)
  },
)

test('target: a run file that is none is named', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-target-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'run.json'), '{"api": ')
  expect(() => readTarget({ TALLYGATE_DIR: dir })).toThrow(`${dir}/run.json is not what make up writes`)
})
