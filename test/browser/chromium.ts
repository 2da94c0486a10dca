import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

const run = promisify(execFile)
/** Debian's, without what a window needs first: it takes a fifth less processor time. */
const PACKAGES = ['chromium-headless-shell', 'chromium']
const PATHS = PACKAGES.map((name) => `/usr/bin/${name}`)
const INSTALL_WITHIN_MS = 300_000

/** Where Chromium is, or why there is none. */
export type FoundChromium = { readonly path: string } | { readonly missing: string }

/** Finds Chromium, `CHROMIUM` first; installs Debian's where that may be done. */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<FoundChromium> {
  const given = env['CHROMIUM']
  if (given !== undefined)
    return existsSync(given) ? { path: given } : { missing: `CHROMIUM names ${given}, which is not there` }
  const there = PATHS.find(existsSync)
  if (there !== undefined) return { path: there }
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    return { missing: `none of ${PATHS.join(', ')}: install Chromium, or name it in CHROMIUM` }
  const options = { timeout: INSTALL_WITHIN_MS, env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } }
  const install = ['install', '-y', '--no-install-recommends', 'fonts-dejavu-core']
  const refused: string[] = []
  await run('apt-get', ['update'], options).catch((error: unknown) => refused.push(messageOf(error)))
  for (const [index, name] of PACKAGES.entries()) {
    await run('apt-get', [...install, name], options).catch((error: unknown) =>
      refused.push(messageOf(error)),
    )
    const path = PATHS[index]
    if (path !== undefined && existsSync(path)) return { path }
  }
  return { missing: `apt-get could not install Chromium: ${refused.join('; ')}` }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Starts Chromium without a window. */
export function startChromium(executablePath: string): Promise<Browser> {
  // Chromium refuses its sandbox to root; it only ever opens our own page here.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args })
}
