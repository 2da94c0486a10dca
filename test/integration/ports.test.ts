import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { freePorts } from '#deploy/local/ports.ts'

const COUNT = 300
const ports = new URL('../../deploy/local/ports.ts', import.meta.url).href

/** A process that asks for free ports, prints them, and lives until its input ends. */
const asker = `
const { freePorts } = await import('${ports}')
console.log(JSON.stringify(await freePorts(${COUNT})))
process.stdin.resume()
`

it('gives no port to two processes as long as both live', async () => {
  const other = spawn(process.execPath, ['--input-type=module', '-e', asker], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    const theirs = await printedBy(other)
    const ours = await freePorts(COUNT)

    expect(new Set([...theirs, ...ours]).size).toBe(2 * COUNT)
  } finally {
    other.stdin.end()
    await once(other, 'close')
  }
})

async function printedBy({ stdout }: ChildProcess): Promise<readonly number[]> {
  let text = ''
  for await (const chunk of stdout ?? []) {
    text += String(chunk)
    if (text.endsWith('\n')) break
  }
  return JSON.parse(text)
}
