import type { Browser } from 'playwright-core'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { type FoundChromium, startChromium } from './chromium.ts'

/** What tests of the page stand on: a system with one workspace that has a plan, and a browser. */
export interface Stand {
  readonly system: System
  readonly workspace: TestWorkspace
  readonly browser: Browser
  readonly stop: () => Promise<void>
}

/** Starts a system of its own and a browser. */
export async function startStand(found: FoundChromium): Promise<Stand> {
  const system = await startSystem()
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const browser = await startChromium('path' in found ? found.path : '')
  const stop = async (): Promise<void> => {
    await browser.close()
    await system.stop()
  }
  return { system, workspace, browser, stop }
}
