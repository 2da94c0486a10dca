import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
/** What a decision says where counting is more than a second behind: so it is on a busy machine, and in no page. */
const BEHIND = / · as of \d+ ms ago/g
/** A page that hangs is ended after this. */
const ENDS_WITHIN_MS = 200_000

/** A fenced block of a page. */
export interface Block {
  readonly language: string
  /** The file that it is the text of, for a block that has a name. */
  readonly file: string | null
  readonly text: string
  /** Line of the page that it begins on. */
  readonly line: number
}

/** The fenced blocks of a page, in order. */
export function blocksOf(path: string): readonly Block[] {
  const page = readFileSync(join(root, path), 'utf8')
  return [...page.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', file, text = ''], _, all) => {
      const line = page.slice(0, all[_]?.index).split('\n').length
      return { language, file: file ?? null, text, line }
    },
  )
}

/** How to run a page. */
export interface PageRun {
  /** The folder its commands are given in. */
  readonly dir: string
  /** Beside what the test has itself; undefined takes a variable away. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** What stands on the page, and what takes its place here: ports that are free. */
  readonly moved: ReadonlyMap<string, string>
}

/** What a block printed. */
interface Printed {
  readonly block: Block
  readonly out: string
}

/**
 * Follows a page to the letter: writes its named blocks as files, runs its `sh` blocks in one shell from top to bottom, and
 * holds what each prints against the `text` or `json` block that follows it, where `…` stands for anything in a line, and a
 * line of `…` for any lines.
 *
 * Fails with the line of the page and all that was printed. A command may fail only where `tallygate` answers 1: denied.
 */
export async function followPage(path: string, run: PageRun): Promise<void> {
  const blocks = blocksOf(path)
  const steps = blocks.filter(({ language, file }) => file !== null || language === 'sh')
  expect(steps.length, `${path} has nothing to run`).toBeGreaterThan(0)
  const printed = await runSteps(path, steps, run)
  for (const { block, out } of printed) {
    const next = blocks[blocks.indexOf(block) + 1]
    if (next === undefined || next.file !== null || !['text', 'json'].includes(next.language)) continue
    const wanted = move(next.text, run.moved)
    const told = out.replaceAll(BEHIND, '').trimEnd()
    const shown = `${path}:${next.line} says\n${wanted}\nbut ${path}:${block.line} printed\n${out}`
    expect(patternOf(wanted).test(told), shown).toBe(true)
  }
}

const MARK = '@@ block '

async function runSteps(path: string, steps: readonly Block[], run: PageRun): Promise<readonly Printed[]> {
  const script = [
    'set -o pipefail',
    `trap 'code=$?; [[ $code == 1 && $BASH_COMMAND == "npx tallygate "* ]] || { echo "$BASH_COMMAND: $code" >&2; exit 97; }' ERR`,
    ...steps.map((step, index) => `${scriptOf(step, run.moved)}\nprintf '\\n${MARK}%s\\n' ${index}`),
  ]
  const { code, out, err } = await runShell(script.join('\n'), run)
  const parts = out.split(new RegExp(`\\n${MARK}\\d+\\n`))
  const failed = steps[parts.length - 1]
  const why = `${path}:${failed?.line} ended with ${code}\n${out}\n${err}`
  expect(code, why).toBe(0)
  return steps.map((block, index) => ({ block, out: parts[index] ?? '' }))
}

function scriptOf({ file, text }: Block, moved: PageRun['moved']): string {
  const here = move(text, moved)
  return file === null ? here : `cat > '${basename(file)}' <<'@@ end'\n${here}@@ end`
}

function move(text: string, moved: PageRun['moved']): string {
  return [...moved].reduce((changed, [from, to]) => changed.replaceAll(from, to), text)
}

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function runShell(script: string, { dir, env }: PageRun): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-c', script], { cwd: dir, env: { ...process.env, ...env }, detached: true })
    // Its whole group: what a page starts is ended with it.
    const timer = setTimeout(() => process.kill(-(child.pid ?? 0)), ENDS_WITHIN_MS)
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk) => {
      out += String(chunk)
    })
    child.stderr.on('data', (chunk) => {
      err += String(chunk)
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code, out, err })
    })
  })
}

/** What a printed text must be like. */
export function patternOf(wanted: string): RegExp {
  const lines = wanted.trimEnd().split('\n')
  const source = lines.map((line) => {
    if (line.trim() === '…') return '(?:.*\\n)*?.*'
    return line.trimEnd().split('…').map(RegExp.escape).join('.*')
  })
  return new RegExp(`^\\s*${source.join('[ \\t]*\\n')}\\s*$`)
}
