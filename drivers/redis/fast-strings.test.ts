import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** Prototypes that are looked up anew at each access in a process that has run a script. */
function slowAfter(script: string): readonly string[] {
  const say = `
    const classes = { String, Object, Array, Function, Map, Set, Promise, RegExp, Number, BigInt, Buffer, Uint8Array }
    process.on('exit', () => {
      const slow = Object.keys(classes).filter((name) => !%HasFastProperties(classes[name].prototype))
      console.log(JSON.stringify(slow))
    })`
  const flags = ['--allow-natives-syntax', '--import', `data:text/javascript,${encodeURIComponent(say)}`]
  const args = [...flags, '--input-type=module', '-e', script, '--', '--validate']
  const said = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(said.trim().split('\n').at(-1) ?? '')
}

test('ioredis makes methods of strings slow, where nobody does anything about it', () => {
  expect(slowAfter(`await import('ioredis')`)).toEqual(['String'])
})

test.each(['api', 'consumers'])('methods of what the language has are fast in the %s', (name) => {
  const main = new URL(`../../${name}/main.ts`, import.meta.url)
  expect(slowAfter(`await import(${JSON.stringify(main.href)}).catch(() => process.exit(0))`)).toEqual([])
})
