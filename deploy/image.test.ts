import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runCommand } from './local/run-command.ts'

const root = join(import.meta.dirname, '..')
const lines = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8').split('\n')
const ignored = readFileSync(join(root, 'deploy/Dockerfile.dockerignore'), 'utf8').split('\n')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}
/** What is copied from the checkout, without what comes from an earlier stage. */
const copied = lines
  .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
  .map((line) => line.split(' ').slice(1, -1))
const folders = copied.flatMap((names) => names.filter((name) => statSync(join(root, name)).isDirectory()))

test('the image has Node as it is tested, runs as a user by number, and waits for no health check of Docker', () => {
  const bases = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1])
  for (const base of bases) expect(base).toBe(`node:${manifest.devDependencies['node']}-bookworm-slim`)
  expect(lines.find((line) => line.startsWith('USER '))).toMatch(/^USER [1-9]\d*:[1-9]\d*$/)
  expect(lines.filter((line) => line.startsWith('HEALTHCHECK'))).toEqual([])
})

test('what the image is made of is there, and is let into the build', () => {
  for (const name of new Set(copied.flat())) {
    expect(existsSync(join(root, name)), name).toBe(true)
    expect(ignored, name).toContain(`!${name}`)
  }
})

test('the image has the contract that its API serves', () => {
  expect(copied.flat()).toContain('docs/openapi.json')
})

test('what the image holds is enough for each of its programs to start', async () => {
  const app = mkdtempSync(join(tmpdir(), 'tallygate-image-'))
  onTestFinished(() => rmSync(app, { recursive: true, force: true }))
  for (const name of copied.slice(1).flat()) cpSync(join(root, name), join(app, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'))
  const env = { TALLYGATE_KEY_PEPPER: 'f3a91c07d25b846e'.repeat(2) }
  const run = (...args: readonly string[]): Promise<string> =>
    runCommand(process.execPath, args, { cwd: app, env })
  await run('api/main.ts', '--validate')
  await run('consumers/main.ts', '--validate')
  expect(await run('deploy/main.ts', 'setup', '--validate')).toContain('are fine')
  await expect(run('deploy/main.ts', 'setup', '--validate', 'package.json')).rejects.toThrow('license: ')
  expect(await run('cli/main.ts', '--help')).toContain('tallygate')
  await expect(run('deploy/main.ts')).rejects.toThrow('run | up | down | clean | setup')
  for (const options of [['--nope'], ['--validate', '--nope'], ['--validate', 'catalogue.json', '--nope']])
    await expect(run('deploy/main.ts', 'setup', ...options)).rejects.toThrow('"--nope" is no option of setup')
}, 60_000)

test('no program of the image needs a package that is only there for development', () => {
  const own = new Set(Object.keys(manifest.dependencies))
  for (const file of folders.flatMap((folder) => sourcesOf(join(root, folder)))) {
    const text = readFileSync(file, 'utf8')
    for (const [, name = ''] of text.matchAll(/^(?:import|export) .*? from '([^#.'][^']*)'/gms)) {
      if (name.startsWith('node:')) continue
      const [first = '', second = ''] = name.split('/')
      const known = own.has(first.startsWith('@') ? `${first}/${second}` : first)
      expect(known, `${file} imports ${name}`).toBe(true)
    }
  }
})

function sourcesOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.includes('node_modules'))
    .filter((name) => !name.startsWith('dist'))
    .map((name) => join(directory, name))
}
