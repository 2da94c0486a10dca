import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const folders = ['core', 'schemas', 'drivers', 'consumers', 'api', 'cli', 'deploy', 'test', 'client'] as const

interface SourceFile {
  readonly path: string
  readonly folder: string
  readonly text: string
  readonly lines: readonly string[]
  readonly isTest: boolean
}

function listFiles(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return []
    const path = join(directory, entry.name)
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}

function read(path: string): SourceFile {
  const text = readFileSync(path, 'utf8')
  const name = relative(root, path)
  const folder = name.split('/')[0] ?? ''
  return {
    path: name,
    folder,
    text,
    lines: text.split('\n'),
    isTest: name.startsWith('test/') || name.endsWith('.test.ts'),
  }
}

const all = folders.flatMap((folder) => listFiles(join(root, folder))).map(read)
const sources = all.filter(({ path }) => path.endsWith('.ts') && !path.endsWith('.gen.ts'))
const shipped = sources.filter(({ isTest }) => !isTest)

/** Lines of files that match, as `path:line`. */
function where(files: readonly SourceFile[], matches: (line: string) => boolean): readonly string[] {
  return files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (matches(line) ? [`${path}:${index + 1}`] : [])),
  )
}

/** What each folder may import: our folders by name, `npm` for packages, `node` for Node's own. */
const may: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  schemas: ['core', 'schemas', 'avsc', 'node'],
  drivers: ['core', 'schemas', 'drivers', 'npm', 'node'],
  consumers: ['core', 'schemas', 'drivers', 'consumers', 'npm', 'node'],
  api: ['core', 'schemas', 'drivers', 'api', 'npm', 'node'],
  cli: ['core', 'schemas', 'drivers', 'client', 'cli', 'npm', 'node'],
  deploy: ['core', 'schemas', 'drivers', 'client', 'deploy', 'npm', 'node'],
  client: ['client'],
}

function importsOf({ text }: SourceFile): readonly string[] {
  return [...text.matchAll(/(?:^|\n)(?:import|export)\b[^'"]*?\bfrom\s+'([^']+)'/g)].map(
    ([, specifier]) => specifier ?? '',
  )
}

function kindOf(specifier: string, file: SourceFile): string {
  if (specifier.startsWith('#')) return specifier.slice(1).split('/')[0] ?? ''
  if (specifier.startsWith('.'))
    return relative(root, join(root, file.path, '..', specifier)).split('/')[0] ?? ''
  if (specifier.startsWith('node:')) return 'node'
  return specifier === 'avsc' && file.folder === 'schemas' ? 'avsc' : 'npm'
}

describe('dependency rule', () => {
  test('imports point inward', () => {
    const wrong = shipped.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !(may[file.folder] ?? []).includes(kindOf(specifier, file)))
        .map((specifier) => `${file.path} imports ${specifier}`),
    )
    expect(wrong).toEqual([])
  })
  test('core is synchronous outside operations, and reads no clock and no chance', () => {
    const core = shipped.filter(({ folder }) => folder === 'core')
    const still = core.filter(({ path }) => !path.startsWith('core/operations/'))
    expect(where(still, (line) => /\basync\b|\bawait\b/.test(line.replace(/\/\*.*|^\s*\*.*/, '')))).toEqual(
      [],
    )
    expect(
      where(core, (line) => /Date\.now\(|new Date\(\)|Math\.random|process\.|performance\.now/.test(line)),
    ).toEqual([])
  })
  test('the environment is read in config files, deploy and cli only', () => {
    const allowed = /^(cli|deploy)\/|config\.ts$|main\.ts$/
    expect(
      where(
        shipped.filter(({ path }) => !allowed.test(path)),
        (line) => line.includes('process.env'),
      ),
    ).toEqual([])
  })
})

describe('budgets', () => {
  test('files have at most 300 lines, half of them at most 110', () => {
    const lengths = sources.map(({ path, lines }) => ({ path, length: lines.length - 1 }))
    expect(lengths.filter(({ length }) => length > 300)).toEqual([])
    const sorted = lengths.map(({ length }) => length).sort((a, b) => a - b)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(110)
  })
  test('Lua files have at most 80 lines, apply.lua 120', () => {
    const lua = all.filter(({ path }) => path.endsWith('.lua'))
    expect(lua.length).toBeGreaterThan(0)
    const long = lua.filter(({ path, lines }) => lines.length - 1 > (path.endsWith('/apply.lua') ? 120 : 80))
    expect(long.map(({ path, lines }) => `${path}: ${lines.length - 1}`)).toEqual([])
  })
  test('functions have at most 60 lines, nine of ten at most 30', () => {
    const functions = shipped.flatMap(functionsOf)
    expect(functions.length).toBeGreaterThan(200)
    expect(functions.filter(({ length }) => length > 60).map(({ name }) => name)).toEqual([])
    const sorted = functions.map(({ length }) => length).sort((a, b) => a - b)
    expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThanOrEqual(30)
  })
  test('the README has at most 150 lines', () => {
    expect(readFileSync(join(root, 'README.md'), 'utf8').split('\n').length - 1).toBeLessThanOrEqual(150)
  })
})

/** Functions and methods by the indentation that Biome gives them: from their first line to the closing brace. */
function functionsOf({
  path,
  lines,
}: SourceFile): readonly { readonly name: string; readonly length: number }[] {
  const start =
    /^(\s*)(?:export )?(?:default )?(?:async )?(?:function\b|(?:static |async |get |private )*#?\w+(?:<[^>]*>)?\([^=]*\).*\{$)/
  return lines.flatMap((line, index) => {
    const indent = start.exec(line)?.[1]
    if (indent === undefined || /^\s*(if|for|while|switch|return|test|describe)\b/.test(line)) return []
    const end = lines.findIndex(
      (other, at) => at > index && (other === `${indent}}` || other === `${indent}},`),
    )
    return end === -1 ? [] : [{ name: `${path}:${index + 1}`, length: end - index + 1 }]
  })
}

describe('style', () => {
  test('every export has a doc comment', () => {
    const bare = shipped.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => {
        const isExport = /^export (?!type \{|\{|type \w+ = \(typeof)/.test(line)
        const above = lines[index - 1] ?? ''
        const isTwin =
          /^export const \w+ = \[?.*as const|^\] as const/.test(line) &&
          /^export type/.test(lines[index + 1] ?? '')
        return isExport && !above.trim().endsWith('*/') && !isTwin ? [`${path}:${index + 1}`] : []
      }),
    )
    expect(bare).toEqual([])
  })
  test('no any, no enum, no namespace, no TODO', () => {
    const banned =
      /[:<,(|]\s*any\b(?!\s*(?:of|thing|one))|\bas any\b|^\s*(?:export )?(?:const )?enum |^\s*namespace |\bTODO\b|@ts-ignore/
    const files = sources.filter(({ path }) => path !== 'test/tidy.test.ts')
    expect(where(files, (line) => banned.test(line.replace(/\/\*.*|^\s*\*.*|'[^']*'/g, '')))).toEqual([])
  })
  test('no index.ts and no utils.ts', () => {
    expect(sources.filter(({ path }) => /\/(index|utils)\.ts$/.test(path)).map(({ path }) => path)).toEqual(
      [],
    )
  })
  test('tests wait for conditions: no sleep in a test file', () => {
    const tests = sources.filter(({ path }) => path.endsWith('.test.ts') && path !== 'test/tidy.test.ts')
    expect(where(tests, (line) => /setTimeout|sleep\(/.test(line))).toEqual([])
  })
})
