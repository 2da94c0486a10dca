import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** At the end of a process: makes objects that last, over and over, and says where the next ones begin. */
const lasting = `
  const kept = []
  const make = (number) => ({ number, list: [number] })
  process.on('exit', () => {
    for (let round = 0; round < 60; round += 1)
      for (let index = 0; index < 300_000; index += 1) kept[index] = make(index)
    const next = [make(1), make(2), make(3)]
    console.log(next.every((one) => %InYoungGeneration(one)) ? 'young' : 'old')
  })`

/** What a process says at its end; why it ended does not matter. */
function ageAtEnd(...script: readonly string[]): string | undefined {
  const flags = ['--allow-natives-syntax', '--import', `data:text/javascript,${encodeURIComponent(lasting)}`]
  const said = execFileSync(process.execPath, [...flags, ...script], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return said.trim().split('\n').at(-1)
}

test('V8 makes what may last among the old ones, where nobody says otherwise', () => {
  const ages = new Set<string | undefined>()
  for (let run = 0; run < 10 && !ages.has('old'); run += 1) ages.add(ageAtEnd('-e', '0'))
  expect(ages).toContain('old')
})

test.each(['api', 'consumers'])('every object of the %s begins among the young ones', (name) => {
  const main = new URL(`../${name}/main.ts`, import.meta.url)
  const script = `import(${JSON.stringify(main.href)}).catch(() => process.exit(0))`
  expect(ageAtEnd('--input-type=module', '-e', script, '--', '--validate')).toBe('young')
})
