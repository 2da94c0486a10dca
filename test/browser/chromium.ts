import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

const run = promisify(execFile)
const DEBIAN = '/usr/bin/chromium'
const INSTALL_WITHIN_MS = 300_000

/** Where Chromium is, or why there is none. */
export type FoundChromium = { readonly path: string } | { readonly missing: string }

/** Finds Chromium, `CHROMIUM` first; installs Debian's where that may be done. */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<FoundChromium> {
  const given = env['CHROMIUM']
  if (given !== undefined)
    return existsSync(given) ? { path: given } : { missing: `CHROMIUM names ${given}, which is not there` }
  if (existsSync(DEBIAN)) return { path: DEBIAN }
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    return { missing: `no ${DEBIAN}: install Chromium, or name it in CHROMIUM` }
  const options = { timeout: INSTALL_WITHIN_MS, env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } }
  try {
    await run('apt-get', ['update'], options)
    await run(
      'apt-get',
      ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'],
      options,
    )
  } catch (error) {
    return {
      missing: `apt-get could not install Chromium: ${error instanceof Error ? error.message : error}`,
    }
  }
  return existsSync(DEBIAN) ? { path: DEBIAN } : { missing: `apt-get installed no ${DEBIAN}` }
}

/** Starts Chromium without a window. */
export function startChromium(executablePath: string): Promise<Browser> {
  // Chromium refuses its sandbox to root; it only ever opens our own page here.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args })
}
