import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, cached } from '#deploy/local/cache.ts'
import { runCommand } from '#deploy/local/run-command.ts'

/** A Python that has the packages of a file of pins, or why there is none. */
export type PythonWith = { readonly python: string } | { readonly missing: string }

/**
 * Installs packages once into an environment of its own, beside the engines' downloads.
 *
 * Without Python, venv or a package index there is a reason instead: the rest of the tests needs none of them.
 */
export async function pythonWith(name: string, requirements: string): Promise<PythonWith> {
  const pins = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  try {
    const home = await cached({
      cache: cacheDir(process.env),
      name: `${name}-${pins}`,
      onFill: () => console.log(`installing ${name} (once)`),
      fill: async (directory) => {
        await runCommand('python3', ['-m', 'venv', directory])
        const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--retries', '1', '--timeout', '30']
        await runCommand(join(directory, 'bin', 'python'), [...pip, '-r', requirements])
      },
    })
    return { python: join(home, 'bin', 'python') }
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) }
  }
}
