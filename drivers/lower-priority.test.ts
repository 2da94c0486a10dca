import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

const module = new URL('./lower-priority.ts', import.meta.url).href

test.skipIf(process.platform !== 'linux')(
  'every thread of a process stands back, those that collect garbage, too; none is called forward',
  () => {
    const script = `
      import { readdirSync, readFileSync } from 'node:fs'
      import { lowerPriority } from ${JSON.stringify(module)}
      lowerPriority(7)
      lowerPriority(3)
      const nices = readdirSync('/proc/self/task').map(
        (id) => readFileSync('/proc/self/task/' + id + '/stat', 'utf8').split(') ').at(-1).split(' ')[16],
      )
      console.log(nices.join(' '))`
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    const nices = said.trim().split(' ')
    expect(nices.length).toBeGreaterThan(1)
    expect(new Set(nices)).toEqual(new Set(['7']))
  },
)
