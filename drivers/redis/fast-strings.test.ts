import { expect, test } from 'vitest'
import { askedOfV8, loading } from '#test/helpers/asked-of-v8.ts'

/** Prototypes that are looked up anew at each access in a process that has run a script. */
function slowAfter(script: string): readonly string[] {
  const say = `
    const classes = { String, Object, Array, Function, Map, Set, Promise, RegExp, Number, BigInt, Buffer, Uint8Array }
    process.on('exit', () => {
      const slow = Object.keys(classes).filter((name) => !%HasFastProperties(classes[name].prototype))
      console.log(JSON.stringify(slow))
    })`
  return JSON.parse(askedOfV8(say, script))
}

test('ioredis makes methods of strings slow, where nobody does anything about it', () => {
  expect(slowAfter(`await import('ioredis')`)).toEqual(['String'])
})

test.each(['api', 'consumers'] as const)('methods of what the language has are fast in the %s', (name) => {
  expect(slowAfter(loading(name))).toEqual([])
})
