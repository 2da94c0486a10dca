import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where downloads are kept: outside the checkout, so that `make clean` spares them. */
export function cacheDir(env: NodeJS.ProcessEnv): string {
  return env['TALLYGATE_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tallygate')
}

interface Cached {
  readonly cache: string
  /** Name with the version in it: another version is another entry. */
  readonly name: string
  /** Fills an empty directory. */
  readonly fill: (directory: string) => Promise<void>
  readonly onFill: () => void
}

/** A directory of the cache, filled once; a fill that was cut off leaves nothing behind under that name. */
export async function cached({ cache, name, fill, onFill }: Cached): Promise<string> {
  const target = join(cache, name)
  if (existsSync(target)) return target
  onFill()
  mkdirSync(cache, { recursive: true })
  const temporary = mkdtempSync(join(cache, `${name}.partial-`))
  try {
    await fill(temporary)
    if (!existsSync(target)) renameSync(temporary, target)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return target
}
