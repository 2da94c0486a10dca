import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, cached } from '#deploy/local/cache.ts'
import { runCommand } from '#deploy/local/run-command.ts'
import { runIn } from './installed-client.ts'

/** What the client runs on besides Chromium. */
export type Runtime = 'this Node' | 'Node 20' | 'Deno' | 'Bun'

/** How a program is started. */
export interface Runner {
  readonly program: string
  readonly args: readonly string[]
}

/** Packages that bring a runtime along, and where it lies in them. */
const packaged = {
  Deno: { name: 'deno@2.9.6', program: 'node_modules/@deno/*/deno', args: ['run', '--allow-all'] },
  Bun: { name: 'bun@1.4.5', program: 'node_modules/@oven/*/bin/bun', args: ['run'] },
} as const

/** How to run a file; null where this machine has no Node 20. Others are installed beside the engines. */
export async function runnerOf(runtime: Runtime): Promise<Runner | null> {
  switch (runtime) {
    case 'this Node':
      return { program: process.execPath, args: [] }
    case 'Node 20': {
      const program = findNode20()
      return program === null ? null : { program, args: [] }
    }
    default:
      return fetchRuntime(runtime)
  }
}

async function fetchRuntime(runtime: keyof typeof packaged): Promise<Runner> {
  const { name, program, args } = packaged[runtime]
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', name]
  const dir = await cached({
    cache: cacheDir(process.env),
    name: name.replace('@', '-'),
    fill: async (cwd) => {
      await runCommand('npm', [...install, '--prefix', cwd], { cwd })
    },
    onFill: () => undefined,
  })
  const [found] = globSync(program, { cwd: dir })
  if (found === undefined) throw new Error(`${name} has no ${program} for this machine in ${dir}`)
  return { program: join(dir, found), args }
}

/** The machine's own Node 20, the oldest that the client is for. */
export function findNode20(): string | null {
  const places = ['/usr/bin/node', '/usr/local/bin/node'].filter(existsSync)
  return places.find((program) => runIn('/', program, ['--version']).startsWith('v20.')) ?? null
}

/** Has those that must be fetched there before a test waits for one. */
export async function fetchRuntimes(): Promise<void> {
  for (const runtime of ['Deno', 'Bun'] as const) await fetchRuntime(runtime)
}
