import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

test('the ops page: what browsers run as it is has types that fit', async () => {
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const { stdout } = await promisify(execFile)(tsc, ['-p', 'api/page/tsconfig.json'], { cwd: root }).catch(
    (error: { readonly stdout: string }) => error,
  )
  expect(stdout).toBe('')
}, 60_000)
