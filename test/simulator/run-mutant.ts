import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Copy } from '../mutation/change.ts'
import type { Mutant } from './mutants.ts'

/**
 * Runs the simulator on a copy of the code with one change; the scenario or seed that found it, null when none did.
 *
 * Begins at the seed that found it before, if the mutant names one.
 */
export function findMutant(copy: Copy, mutant: Mutant, count: number): Promise<string | null> {
  return copy.changed(mutant, (path) => simulate(path, { first: mutant.seed ?? 1, count }))
}

function simulate(
  path: string,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<string | null> {
  const args = [join(path, 'test/simulator/main.ts'), String(first), String(count)]
  return new Promise((resolve, reject) => {
    // Compiled once for all mutants of a copy, and gone with it.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(path, '.compiled') }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('close', () => {
      const found = /^((?:seed|scenario) \w+):/m.exec(output)?.[1]
      if (found !== undefined) resolve(found)
      else if (/ 0 failed$/m.test(output)) resolve(null)
      else reject(new Error(`the simulator broke instead of judging:\n${output.slice(-1_500)}`))
    })
  })
}
