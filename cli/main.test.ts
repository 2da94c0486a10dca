import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

test.for([
  ['--help', 0],
  ['key', 2],
] as const)(
  'a command whose reader has gone says nothing of it and ends as it would: %s',
  async ([word, code]) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), word])
    const reader = word === '--help' ? child.stdout : child.stderr
    const other = word === '--help' ? child.stderr : child.stdout
    reader.destroy()
    const [said, [status]] = await Promise.all([text(other), once(child, 'close')])
    expect({ said, status }).toEqual({ said: '', status: code })
  },
)
