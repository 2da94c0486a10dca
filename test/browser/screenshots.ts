import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import setUpEngines from '#test/helpers/engines.ts'
import { startSystem } from '#test/helpers/system.ts'
import { findChromium, startChromium } from './chromium.ts'
import { takeShots } from './shots.ts'
import { setStage } from './stage.ts'

/** Plays the stage on real engines and writes docs/screenshots anew: `make screenshots`. */
const folder = join(import.meta.dirname, '../../docs/screenshots')
const found = await findChromium()
if ('missing' in found) {
  process.stderr.write(`${found.missing}\n`)
  process.exit(3)
}
const stopEngines = await setUpEngines()
const system = await startSystem(['api', 'consumers'], { SNAPSHOT_EVERY_MS: '1000' })
const { grown } = await setStage(system)
const browser = await startChromium(found.path)
mkdirSync(folder, { recursive: true })
const paths = await takeShots(browser, { api: system.api, key: system.key, workspace: grown.id }, folder)
process.stdout.write(paths.map((path) => `${path}\n`).join(''))
await browser.close()
await system.stop()
await stopEngines()
