import { spawn } from 'node:child_process'
import type { System } from './system.ts'

/** What a command printed and ended with. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

const launcher = new URL('../../cli/tallygate.js', import.meta.url).pathname

/** Runs `tallygate` against a system, as a person would. */
export function runCli(
  system: System,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return runFor(system, [process.execPath, launcher, ...args], env)
}

/** The same on a terminal: what was printed to it, errors and bars included, is in `out`. */
export function runOnTerminal(system: System, args: readonly string[]): Promise<Ran> {
  const command = [process.execPath, launcher, ...args].map((word) => `'${word}'`).join(' ')
  return runFor(system, ['script', '--quiet', '--return', '--command', command, '/dev/null'], {})
}

function runFor(
  system: System,
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ran> {
  const target = { TALLYGATE_API: system.api, TALLYGATE_KEY: system.key, NO_COLOR: '1' }
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...system.env, ...target, ...env },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += String(chunk)
    })
    child.stderr.on('data', (chunk) => {
      err += String(chunk)
    })
    child.once('close', (code) => resolve({ code: code ?? -1, out, err }))
  })
}
