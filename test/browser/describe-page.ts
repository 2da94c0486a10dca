import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe } from 'vitest'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { findChromium, startChromium } from './chromium.ts'

/** What tests of the page run on; both are there once tests run. */
export interface Stage {
  readonly system: System
  readonly browser: Browser
}

/** Tests of the page in a browser, on the system that tests share; skipped, and said so, where there is no Chromium. */
export async function describePage(title: string, define: (stage: Stage) => void): Promise<void> {
  const found = await findChromium()
  if ('missing' in found) {
    process.stdout.write(`browser tests are skipped: ${found.missing}\n`)
    describe.skip(title, () => define({} as Stage))
    return
  }
  const { path } = found
  const stage = {} as { system: System; browser: Browser }
  describe(title, () => {
    beforeAll(async () => {
      stage.system = await sharedSystem()
      stage.browser = await startChromium(path)
    })
    afterAll(async () => {
      await stage.browser.close()
      await stage.system.stop()
    })
    define(stage)
  })
}
