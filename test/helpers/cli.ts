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
  return runFor(system, { command: [process.execPath, launcher, ...args], env })
}

/** The same with a standard input that says something and stays open, as that of `tail -f … |` does. */
export function runOnOpenInput(
  system: System,
  args: readonly string[],
  { input, env }: { readonly input: string; readonly env: Readonly<Record<string, string>> },
): Promise<Ran> {
  return runFor(system, { command: [process.execPath, launcher, ...args], env, input })
}

/** The same on a terminal: what was printed to it, errors and bars included, is in `out`. */
export function runOnTerminal(system: System, args: readonly string[]): Promise<Ran> {
  const command = [process.execPath, launcher, ...args].map((word) => `'${word}'`).join(' ')
  return runFor(system, {
    command: ['script', '--quiet', '--return', '--command', command, '/dev/null'],
    env: {},
  })
}

interface Run {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly input?: string
}

function runFor(system: System, { command, env, input }: Run): Promise<Ran> {
  const [program = '', ...args] = command
  const target = { TALLYGATE_API: system.api, TALLYGATE_KEY: system.key, NO_COLOR: '1' }
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...system.env, ...target, ...env },
    })
    if (input !== undefined) child.stdin.write(input)
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
