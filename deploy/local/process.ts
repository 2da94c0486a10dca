import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a pid file says: enough to know that the process is still the one that was started. */
interface PidFile {
  readonly pid: number
  /** Start time in clock ticks after boot, as the kernel states it; null where it cannot be read. */
  readonly startedTicks: string | null
  readonly port: number
  readonly settingsHash?: string
}

/** A program to be started in the background. */
export interface Program {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly port: number
  /** Kept beside its pid, where settings change while it runs. */
  readonly settingsHash?: string
}

const STOP_WITHIN_MS = 10_000

/** Starts a program whose output goes to `<dir>/logs/<name>.log` and that outlives this process. */
export function startProgram(dir: string, { name, file, args, env, ...kept }: Program): number {
  mkdirSync(join(dir, 'logs'), { recursive: true })
  mkdirSync(join(dir, 'pids'), { recursive: true })
  const output = openSync(join(dir, 'logs', `${name}.log`), 'a')
  const child = spawn(file, args, {
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
  })
  child.unref()
  if (child.pid === undefined) throw new Error(`${file} could not be started; see ${dir}/logs/${name}.log`)
  const pidFile: PidFile = { pid: child.pid, startedTicks: startedTicks(child.pid), ...kept }
  writeFileSync(pidPath(dir, name), JSON.stringify(pidFile))
  return child.pid
}

/** The port of a program that was started from this directory and still runs; null otherwise. */
export function runningPort(dir: string, name: string): number | null {
  return running(dir, name)?.port ?? null
}

/** The process of a program that was started from this directory and still runs; null otherwise. */
export function runningPid(dir: string, name: string): number | null {
  return running(dir, name)?.pid ?? null
}

/** The hash that a program which still runs was started with; null otherwise, and where it was started without one. */
export function runningSettings(dir: string, name: string): string | null {
  return running(dir, name)?.settingsHash ?? null
}

/** Ends a program by its pid file, and only if that process is still the one that was started. */
export async function stopProgram(dir: string, name: string): Promise<boolean> {
  const pidFile = readPidFile(dir, name)
  if (pidFile === null) return false
  const wasAlive = isAlive(pidFile)
  if (wasAlive) process.kill(pidFile.pid, 'SIGTERM')
  const deadline = performance.now() + STOP_WITHIN_MS
  while (isAlive(pidFile)) {
    if (performance.now() > deadline) process.kill(pidFile.pid, 'SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  rmSync(pidPath(dir, name), { force: true })
  return wasAlive
}

/** The last lines that a program wrote. */
export function lastLines(dir: string, name: string): string {
  try {
    return readFileSync(join(dir, 'logs', `${name}.log`), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-8)
      .join('\n')
  } catch {
    return '(no log)'
  }
}

function pidPath(dir: string, name: string): string {
  return join(dir, 'pids', `${name}.pid`)
}

function running(dir: string, name: string): PidFile | null {
  const pidFile = readPidFile(dir, name)
  return pidFile !== null && isAlive(pidFile) ? pidFile : null
}

function readPidFile(dir: string, name: string): PidFile | null {
  try {
    return JSON.parse(readFileSync(pidPath(dir, name), 'utf8'))
  } catch {
    return null
  }
}

function isAlive({ pid, startedTicks: ticks }: PidFile): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return ticks === null || startedTicks(pid) === ticks
}

/** Field 22 of the process's stat line, counted after the command name; null for a zombie or no such process. */
function startedTicks(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}
