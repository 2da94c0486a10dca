import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** What is taken: a view in a size and colours. */
interface Shot {
  readonly name: string
  readonly hash: string
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
  /** All of the page, not what a window shows of it. */
  readonly isWhole?: boolean
  /** Brings the page into the state that is shown. */
  readonly act?: (page: Page) => Promise<void>
}

/** Where the page is, what to sign in with, and the workspace to show. */
export interface Shown {
  readonly api: string
  readonly key: string
  readonly workspace: string
}

const WIDE = { width: 1280, height: 860, scheme: 'light' } as const
const NARROW = { width: 360, height: 740, scheme: 'light' } as const

function shotsOf(workspace: string): readonly Shot[] {
  const one = `#/workspace/${workspace}`
  return [
    { ...WIDE, name: 'limits', hash: '#/limits' },
    { ...WIDE, name: 'workspace', hash: one, isWhole: true },
    { ...WIDE, name: 'denied', hash: one, act: explain },
    { ...WIDE, name: 'what-if', hash: one, act: tryBase },
    { ...WIDE, name: 'dead-letters', hash: '#/dead-letters', act: preview },
    { ...WIDE, name: 'system', hash: '#/system' },
    { ...WIDE, name: 'workspace-dark', hash: one, scheme: 'dark', isWhole: true },
    { ...WIDE, name: 'limits-dark', hash: '#/limits', scheme: 'dark' },
    { ...NARROW, name: 'limits-360', hash: '#/limits' },
    { ...NARROW, name: 'workspace-360', hash: one },
  ]
}

/** Signs in by typing the key, in a tab of its own. */
export async function openPage(
  browser: Browser,
  { api, key }: Pick<Shown, 'api' | 'key'>,
  { hash = '', ...options }: BrowserContextOptions & { readonly hash?: string } = {},
): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  await page.goto(`${api}/${hash}`)
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Open' }).click()
  await settled(page)
  return page
}

/** Waits until every part of the view has its first answer. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main:not(:has([aria-busy], .bones, .sign-in)) h1').waitFor()
}

/** Writes a PNG for each view into a folder. */
export async function takeShots(browser: Browser, shown: Shown, folder: string): Promise<readonly string[]> {
  const names: string[] = []
  for (const { name, hash, width, height, scheme, act, isWhole = false } of shotsOf(shown.workspace)) {
    const page = await openPage(browser, shown, { hash, viewport: { width, height }, colorScheme: scheme })
    await act?.(page)
    const path = join(folder, `${name}.png`)
    await page.mouse.move(0, 0)
    await page.screenshot({ path, animations: 'disabled', fullPage: isWhole })
    await page.context().close()
    names.push(path)
  }
  return [...names, await takeSignIn(browser, shown, folder)]
}

async function takeSignIn(browser: Browser, { api }: Shown, folder: string): Promise<string> {
  const page = await browser.newPage({ viewport: { width: WIDE.width, height: WIDE.height } })
  await page.goto(api)
  await page.getByLabel('API key').waitFor()
  const path = join(folder, 'sign-in.png')
  await page.screenshot({ path, animations: 'disabled' })
  await page.close()
  return path
}

/** Tries Base with one seat, where most of what is there would not fit. */
export async function tryBase(page: Page): Promise<void> {
  const part = page.getByRole('region', { name: 'What if?' })
  await part.getByLabel('Plan').selectOption('base')
  await part.getByLabel('Seats').fill('1')
  await part.getByRole('button', { name: 'Try' }).click()
  await part.getByText('would be denied').waitFor()
  await part.evaluate((element) => element.scrollIntoView())
}

/** Asks why a third of the pool more is denied. */
export async function explain(page: Page): Promise<void> {
  const part = page.getByRole('region', { name: 'Why is this denied?' })
  await part.getByLabel('Feature').selectOption('ai_credits')
  await part.getByLabel('Quantity').fill('4000')
  await part.getByRole('button', { name: 'Explain' }).click()
  await part.getByText('How this was decided').waitFor()
  await part.evaluate((element) => element.scrollIntoView())
}

/** Looks at what sending the first code again would do. */
export async function preview(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: /^Preview/ })
    .first()
    .click()
  await page.getByText('tallygate redrive').first().waitFor()
}

/** Lets the page believe that another tab is in front of it. */
export function hide(page: Page): Promise<boolean> {
  return page.locator('html').evaluate(({ ownerDocument }) => {
    Object.defineProperty(ownerDocument, 'hidden', { get: () => true })
    return ownerDocument.dispatchEvent(new Event('visibilitychange'))
  })
}
