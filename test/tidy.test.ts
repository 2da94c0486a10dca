import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAst } from 'vitest/node'

const root = join(import.meta.dirname, '..')
const folders = ['core', 'schemas', 'drivers', 'consumers', 'api', 'cli', 'deploy', 'test', 'client'] as const

/** A node of the syntax tree, as far as these rules look at it. */
interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [property: string]: unknown
}

interface SourceFile {
  readonly path: string
  readonly folder: string
  readonly text: string
  readonly lineCount: number
  readonly isTest: boolean
}

function listFiles(directory: string): readonly string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name === 'dist') return []
    const path = join(directory, entry.name)
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}

function readSource(absolute: string): SourceFile {
  const text = readFileSync(absolute, 'utf8')
  const path = relative(root, absolute)
  const lineCount = text.split('\n').length - 1
  const isTest = path.startsWith('test/') || path.endsWith('.test.ts')
  return { path, folder: path.split('/')[0] ?? '', text, lineCount, isTest }
}

const all = folders.flatMap((folder) => listFiles(join(root, folder))).map(readSource)
const sources = all.filter(
  ({ path }) => path.endsWith('.ts') && !path.endsWith('.gen.ts') && !path.endsWith('.d.ts'),
)
const shipped = sources.filter(({ isTest }) => !isTest)
/** The ops page, which browsers run as it is. */
const page = all.filter(({ path }) => path.startsWith('api/page/') && path.endsWith('.js'))
const core = shipped.filter(({ folder }) => folder === 'core')

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

function* nodesUnder(node: SyntaxNode): Generator<SyntaxNode> {
  yield node
  for (const child of Object.values(node).flat()) if (isNode(child)) yield* nodesUnder(child)
}

const trees = new Map(
  [...sources, ...page].map((file): [string, readonly SyntaxNode[]] => {
    const tree: unknown = parseAst(file.text, { lang: file.path.endsWith('.js') ? 'js' : 'ts' })
    if (!isNode(tree)) throw new Error(`${file.path} has no syntax tree`)
    return [file.path, [...nodesUnder(tree)]]
  }),
)

function nodesOf(file: SourceFile): readonly SyntaxNode[] {
  return trees.get(file.path) ?? []
}

/** `path:line` of a node. */
function placeOf(file: SourceFile, node: SyntaxNode): string {
  return `${file.path}:${file.text.slice(0, node.start).split('\n').length}`
}

/** Places of the nodes that match. */
function where(
  files: readonly SourceFile[],
  matches: (node: SyntaxNode, file: SourceFile) => boolean,
): string[] {
  return files.flatMap((file) =>
    nodesOf(file).flatMap((node) => (matches(node, file) ? [placeOf(file, node)] : [])),
  )
}

/** The source text of a node. */
function textOf(node: SyntaxNode, file: SourceFile): string {
  return file.text.slice(node.start, node.end)
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
  client: ['client', 'peer'],
}

/** What the emitter writes with. Whoever uses it brings them along; the rest of the client imports no package. */
const peers: ReadonlySet<string> = new Set(['kafkajs', 'avsc'])

/** The module that a node imports or re-exports (statically, dynamically or as a type), or null. */
function specifierOf({ source }: SyntaxNode): string | null {
  return isNode(source) && typeof source['value'] === 'string' ? source['value'] : null
}

function originOf(specifier: string, file: SourceFile): string {
  if (specifier.startsWith('#')) return specifier.slice(1).split('/')[0] ?? ''
  if (specifier.startsWith('.')) return join(file.path, '..', specifier).split('/')[0] ?? ''
  if (specifier.startsWith('node:')) return 'node'
  if (peers.has(specifier) && file.path.startsWith('client/events/')) return 'peer'
  return specifier === 'avsc' && file.folder === 'schemas' ? 'avsc' : 'npm'
}

describe('dependency rule', () => {
  test('imports point inward', () => {
    const wrong = shipped.flatMap((file) =>
      nodesOf(file).flatMap((node) => {
        const specifier = specifierOf(node)
        if (specifier === null || may[file.folder]?.includes(originOf(specifier, file))) return []
        return [`${placeOf(file, node)} imports ${specifier}`]
      }),
    )
    expect(wrong).toEqual([])
  })
  test('core is synchronous outside operations', () => {
    const still = core.filter(({ path }) => !path.startsWith('core/operations/'))
    const waits = ({ type, async, await: awaits }: SyntaxNode): boolean =>
      async === true || awaits === true || type === 'AwaitExpression'
    expect(where(still, waits)).toEqual([])
  })
  test('core reads no clock and no chance', () => {
    const impure = /^(Date\.now|Math\.random|performance|process|crypto|setTimeout|setInterval|new Date\(\))$/
    expect(where(core, (node, file) => impure.test(textOf(node, file)))).toEqual([])
  })
  test('the environment is read in config files, composition roots, deploy and cli only', () => {
    const allowed = /^(cli|deploy)\/|\/config\.ts$|^drivers\/env\.ts$|^(api|consumers)\/main\.ts$/
    const strict = shipped.filter(({ path }) => !allowed.test(path))
    const isRead = (node: SyntaxNode, file: SourceFile): boolean =>
      node.type === 'MemberExpression' && /^process\??\.(env$|\['env'\]$)/.test(textOf(node, file))
    expect(where(strict, isRead)).toEqual([])
  })
})

/** The value that a share of the values stays at or below. */
function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? 0
}

function longerThan(files: readonly SourceFile[], most: (path: string) => number): readonly string[] {
  return files
    .filter(({ path, lineCount }) => lineCount > most(path))
    .map(({ path, lineCount }) => `${path}:${lineCount}`)
}

interface FunctionLength {
  readonly place: string
  readonly lines: number
  /** A declaration, a method or a function with a name of its own; not a callback. */
  readonly isNamed: boolean
}

function functionsOf(file: SourceFile): readonly FunctionLength[] {
  const isFunction = ({ type, body }: SyntaxNode): boolean =>
    /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(type) && isNode(body)
  const named = new Set(nodesOf(file).flatMap(({ init, value }) => [init, value].filter(isNode)))
  return nodesOf(file)
    .filter(isFunction)
    .map((node) => ({
      place: placeOf(file, node),
      lines: textOf(node, file).split('\n').length,
      isNamed: node.type === 'FunctionDeclaration' || named.has(node),
    }))
}

describe('budgets', () => {
  test('files have at most 300 lines, half of them at most 110', () => {
    expect(longerThan([...sources, ...page], () => 300)).toEqual([])
    expect(
      quantile(
        sources.map(({ lineCount }) => lineCount),
        0.5,
      ),
    ).toBeLessThanOrEqual(110)
  })
  test('Lua files have at most 80 lines, apply.lua 120', () => {
    const lua = all.filter(({ path }) => path.endsWith('.lua'))
    expect(lua.length).toBeGreaterThan(0)
    expect(longerThan(lua, (path) => (path.endsWith('/apply.lua') ? 120 : 80))).toEqual([])
  })
  test('functions have at most 60 lines, nine of ten at most 30', () => {
    expect(page.length).toBeGreaterThan(20)
    const functions = [...shipped, ...page].flatMap(functionsOf)
    const named = functions.filter(({ isNamed }) => isNamed)
    expect(named.length).toBeGreaterThan(200)
    expect(
      functions.filter(({ lines }) => lines > 60).map(({ place, lines }) => `${place} ${lines}`),
    ).toEqual([])
    expect(
      quantile(
        named.map(({ lines }) => lines),
        0.9,
      ),
    ).toBeLessThanOrEqual(30)
  })
  test.runIf(existsSync(join(root, 'README.md')))('the README has at most 150 lines', () => {
    expect(longerThan([readSource(join(root, 'README.md'))], () => 150)).toEqual([])
  })
})

describe('style', () => {
  test('every export has a doc comment directly above', () => {
    const isBare = ({ type, start, declaration }: SyntaxNode, file: SourceFile): boolean => {
      if (!/^Export(Named|Default)Declaration$/.test(type) || !isNode(declaration)) return false
      return !file.text.slice(0, start).endsWith('*/\n') && !isTwin(declaration, file)
    }
    expect(where([...shipped, ...page], isBare)).toEqual([])
  })
  test('no any, no enum, no namespace, no decorator, no parameter property', () => {
    const banned = /^TS(AnyKeyword|EnumDeclaration|ModuleDeclaration|ParameterProperty)$|^Decorator$/
    const isAugmentation = ({ id }: SyntaxNode): boolean => isNode(id) && id.type === 'Literal'
    expect(where(sources, (node) => banned.test(node.type) && !isAugmentation(node))).toEqual([])
  })
  test('no TODO and no silenced type check', () => {
    const files = sources.filter(({ path }) => path !== 'test/tidy.test.ts')
    const marks = files.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        return /\bTODO\b|@ts-(ignore|nocheck|expect-error)/.test(line) ? [`${path}:${index + 1}`] : []
      }),
    )
    expect(marks).toEqual([])
  })
  test('no index.ts and no utils.ts', () => {
    const banned = sources.filter(({ path }) => /(^|\/)(index|utils)\.ts$/.test(path))
    expect(banned.map(({ path }) => path)).toEqual([])
  })
  test('what starts a system of its own is no part of test/integration, which make test runs', () => {
    const files = sources.filter(({ path }) => path.startsWith('test/integration/'))
    const starts = ({ type, callee }: SyntaxNode, file: SourceFile): boolean =>
      type === 'CallExpression' && isNode(callee) && /^start(Own)?(System|Rig)$/.test(textOf(callee, file))
    expect(where(files, starts)).toEqual([])
  })
  test('tests wait for conditions: no sleep in a test file', () => {
    const tests = sources.filter(({ path }) => path.endsWith('.test.ts'))
    const sleeps = ({ type, callee }: SyntaxNode, file: SourceFile): boolean =>
      type === 'CallExpression' && isNode(callee) && /(^|\.)(setTimeout|sleep)$/.test(textOf(callee, file))
    expect(where(tests, sleeps)).toEqual([])
  })
})

/** A union derived from a list of the same file, `(typeof words)[number]`: the list's comment speaks for both. */
function isTwin(declaration: SyntaxNode, file: SourceFile): boolean {
  const list = /^type \w+ = \(typeof (\w+)\)\[number\]$/.exec(textOf(declaration, file))?.[1]
  return list !== undefined && new RegExp(`^(export )?const ${list} = `, 'm').test(file.text)
}
