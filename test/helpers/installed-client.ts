import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
const source = join(root, 'client')

/** The compiler of this repository. */
export const tsc = join(root, 'node_modules', '.bin', 'tsc')

/** An empty project with the packed client in it, as its users have it. */
export interface InstalledClient {
  /** The project. */
  readonly dir: string
  /** The package inside it. */
  readonly packageDir: string
  readonly remove: () => void
}

/** Compiles and packs the client in a folder of its own, and installs it into an empty project without asking any registry. */
export function installClient(): InstalledClient {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-client-'))
  const packed = join(dir, 'packed')
  mkdirSync(packed)
  for (const file of ['package.json', 'README.md', 'LICENSE'])
    copyFileSync(join(source, file), join(packed, file))
  runIn(source, tsc, ['-p', 'tsconfig.json', '--outDir', join(packed, 'dist')])
  runIn(packed, 'npm', ['pack', '--ignore-scripts', '--pack-destination', dir])
  const [archive = ''] = globSync('*.tgz', { cwd: dir })
  writeFileSync(join(dir, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n')
  runIn(dir, 'npm', ['install', `./${archive}`, '--offline', '--omit=peer'])
  return {
    dir,
    packageDir: join(dir, 'node_modules', 'tallygate-client'),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** Runs a program to its end; what it printed. Throws with all its output when it fails. */
export function runIn(
  cwd: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): string {
  const quiet = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_loglevel: 'error' }
  const options = {
    cwd,
    env: { ...process.env, ...quiet, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  } as const
  const { status, stdout, stderr, error } = spawnSync(program, args, options)
  if (status === 0) return stdout
  throw new Error(`${program} ${args.join(' ')}: ${error ?? status}\n${stdout}${stderr}`)
}

/** The first fenced block of a language in the client's README. */
export function blockOfReadme(language: string): string {
  const readme = readFileSync(join(source, 'README.md'), 'utf8')
  const [, block] = readme.match(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm')) ?? []
  if (block === undefined) throw new Error(`client/README.md has no ${language} block`)
  return block
}
