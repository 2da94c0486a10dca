import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { openPage } from './shots.ts'

/** Where the page is, what to sign in with, what to show, and how the browser is. */
export interface Tab extends BrowserContextOptions {
  readonly api: string
  readonly key: string
  readonly hash: string
}

/** Signs in, in a tab that is closed when the test has ended. */
export async function openTab(browser: Browser, { api, key, ...options }: Tab): Promise<Page> {
  const page = await openPage(browser, { api, key }, options)
  onTestFinished(() => page.context().close())
  return page
}
