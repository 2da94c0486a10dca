import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { outliveReaders } from './outlive-readers.ts'

const failure = (code: string): Error => Object.assign(new Error(`write ${code}`), { code })

test('an output that nobody reads any more ends nothing; one that cannot be written does', () => {
  const output = new EventEmitter()
  outliveReaders([output])
  output.emit('error', failure('EPIPE'))
  expect(() => output.emit('error', failure('ENOSPC'))).toThrow('write ENOSPC')
})
