import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Lines of a file as they are, and as a mutant has them. */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** A change, or several that are one mistake only together. */
export interface Mutation extends Change {
  readonly name: string
  readonly also?: readonly Change[]
}

/** The repository. */
export const root = join(import.meta.dirname, '..', '..')
const skipped = new Set(['node_modules', '.git', '.tallygate'])

/** Every change that a mutant is. */
export function changesOf({ file, from, to, also = [] }: Mutation): readonly Change[] {
  return [{ file, from, to }, ...also]
}

/** A copy of the repository, for one mutant after another. */
export class Copy {
  readonly #path = mkdtempSync(join(tmpdir(), 'tallygate-mutant-'))

  constructor() {
    cpSync(root, this.#path, {
      recursive: true,
      filter: (source) => !skipped.has(source.slice(root.length + 1).split('/')[0] ?? ''),
    })
    symlinkSync(join(root, 'node_modules'), join(this.#path, 'node_modules'))
  }

  /** Runs something where the copy has the changes of a mutant, and takes them back. */
  async changed<Value>(mutation: Mutation, run: (path: string) => Promise<Value>): Promise<Value> {
    try {
      for (const change of changesOf(mutation)) makeChange(this.#path, mutation.name, change)
      return await run(this.#path)
    } finally {
      for (const { file } of changesOf(mutation)) cpSync(join(root, file), join(this.#path, file))
    }
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true })
  }
}

function makeChange(copy: string, name: string, { file, from, to }: Change): void {
  const path = join(copy, file)
  const source = readFileSync(path, 'utf8')
  if (!source.includes(from))
    throw new Error(`${file} has no place for the mutant "${name}"; bring it up to date`)
  const changed = source.replace(from, () => to)
  writeFileSync(path, changed)
}
