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

/** Runs something on a copy of the repository that has the changes, and takes the copy away. */
export async function onChangedCopy<Value>(
  mutation: Mutation,
  run: (copy: string) => Promise<Value>,
): Promise<Value> {
  const copy = mkdtempSync(join(tmpdir(), 'tallygate-mutant-'))
  try {
    cpSync(root, copy, {
      recursive: true,
      filter: (source) => !skipped.has(source.slice(root.length + 1).split('/')[0] ?? ''),
    })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    for (const change of changesOf(mutation)) makeChange(copy, mutation.name, change)
    return await run(copy)
  } finally {
    rmSync(copy, { recursive: true, force: true })
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
