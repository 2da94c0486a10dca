import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { cached } from './cache.ts'
import { runCommand } from './run-command.ts'

const FILE = 'program.jsa'
const READY_WITHIN_MS = 90_000
/** Writing takes some seconds, and others may use the machine. */
const END_WITHIN_MS = 60_000
/** What Java would say of classes that it reads anew all the same. */
const QUIET = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off']

interface KeptClasses {
  readonly cache: string
  /** Of the program, with its version. */
  readonly name: string
  readonly onFill: () => void
  /** Starts the program with some options of Java more, on data of its own in a directory; how to ask whether it answers. */
  readonly lay: (directory: string, options: readonly string[]) => Promise<Trial>
}

/** A program that is started once, so that Java sees which classes it loads. */
export interface Trial {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Rejects while it does not answer. */
  readonly ping: () => Promise<void>
}

/**
 * Options of Java by which a program finds its classes read and checked (class-data sharing): it starts in half the
 * processor time.
 *
 * They are written by a start of the program whose data is thrown away: once for each version of it and of Java. None
 * where this Java cannot do that: nothing but the time of a start depends on it.
 */
export async function keptClasses({ cache, name, onFill, lay }: KeptClasses): Promise<readonly string[]> {
  const home = await cached({
    cache,
    name: `${name}-classes-${await javaId()}`,
    onFill,
    fill: async (directory) => {
      const [data, file] = [join(directory, 'data'), join(directory, FILE)]
      const trial = await lay(data, [...QUIET, `-XX:ArchiveClassesAtExit=${file}`])
      await run(trial).catch(() => rmSync(file, { force: true }))
      rmSync(data, { recursive: true, force: true })
    },
  })
  const file = join(home, FILE)
  return existsSync(file) ? [...QUIET, `-XX:SharedArchiveFile=${file}`] : []
}

/** Which Java this is: another one has other classes of its own. */
async function javaId(): Promise<string> {
  const said = await runCommand('sh', ['-c', 'readlink -f "$(command -v java)"'])
  const { size, mtimeMs } = statSync(said.trim())
  return createHash('sha256').update(`${said} ${size} ${mtimeMs}`).digest('hex').slice(0, 8)
}

/**
 * Starts a program, waits until it answers, and ends it: Java writes what it loaded as it ends. Throws where it does not end
 * by itself, for what it wrote then is a part.
 */
async function run({ args, env, ping }: Trial): Promise<void> {
  const child = spawn('java', args, { env: { ...process.env, ...env }, stdio: 'ignore' })
  const closed = once(child, 'close')
  closed.catch(() => undefined)
  const deadline = performance.now() + READY_WITHIN_MS
  while (child.exitCode === null && performance.now() < deadline) {
    const isUp = await ping().then(
      () => true,
      () => false,
    )
    if (isUp) break
    await pause(100)
  }
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS)
  await closed.finally(() => clearTimeout(timer))
  if (child.signalCode === 'SIGKILL') throw new Error('it did not end')
}
