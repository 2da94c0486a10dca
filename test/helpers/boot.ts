import { spawn } from 'node:child_process'
import { COMPILED, type ServiceName } from '#deploy/services.ts'

/** How a process ended that was started with settings it must refuse, and all that it printed. */
export interface Boot {
  readonly code: number | null
  readonly output: string
}

/** It was to end by itself well before this. */
const ENDED_WITHIN_MS = 45_000

/** A process that goes on, and what it has printed so far. */
export interface Started {
  readonly output: () => string
  /** Resolves with the exit code when it has ended. */
  readonly ended: Promise<number | null>
  readonly stop: () => Promise<number | null>
}

/** Starts a process with settings and these alone, without waiting for anything. */
export function launch(
  name: ServiceName,
  settings: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Started {
  const main = new URL(`../../${name}/main.ts`, import.meta.url).pathname
  const env = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILED, ...settings }
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const stop = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return ended
  }
  return { output: () => output, ended, stop: () => stop('SIGTERM') }
}

/** Starts a process with settings and waits until it ends by itself; one that goes on is ended and has another code. */
export async function boot(
  name: ServiceName,
  settings: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Boot> {
  const started = launch(name, settings, ...args)
  const timer = setTimeout(() => void started.stop(), ENDED_WITHIN_MS)
  const code = await started.ended
  clearTimeout(timer)
  return { code, output: started.output() }
}
