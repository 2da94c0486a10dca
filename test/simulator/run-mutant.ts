import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mutant } from './mutants.ts'

const root = join(import.meta.dirname, '..', '..')
const copied = ['core', 'schemas', 'drivers', 'consumers', 'test', 'package.json']

/**
 * Runs the simulator on a copy of the code with one change; the scenario or seed that found it, null when none did.
 *
 * Begins at the seed that found it before, if the mutant names one.
 */
export async function findMutant(
  { file, from, to, name, seed = 1 }: Mutant,
  count: number,
): Promise<string | null> {
  const copy = mkdtempSync(join(tmpdir(), 'tallygate-mutant-'))
  try {
    for (const part of copied) cpSync(join(root, part), join(copy, part), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    const path = join(copy, file)
    const source = readFileSync(path, 'utf8')
    if (!source.includes(from))
      throw new Error(`${file} has no place for the mutant "${name}"; bring mutants.ts up to date`)
    writeFileSync(
      path,
      source.replace(from, () => to),
    )
    return await simulate(copy, { first: seed, count })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function simulate(
  copy: string,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<string | null> {
  const args = [join(copy, 'test/simulator/main.ts'), String(first), String(count)]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
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
