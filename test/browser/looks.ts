import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What axe-core says of the page that is harmful to somebody: rule and where it is broken. */
export async function seriousIssues(page: Page): Promise<readonly string[]> {
  const result: unknown = await page.evaluate(() =>
    Reflect.get(globalThis, 'axe').run({ resultTypes: ['violations'] }),
  )
  const { violations } = result as AxeResult
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))
}

/** Brings axe-core into every page of a context; the page's own policy would refuse it. */
export async function bringAxe(page: Page): Promise<void> {
  await page.context().addInitScript({ path: axePath })
  await page.reload()
}

/** How far the page is wider than its window, CSS pixels. */
export function overflowOf(page: Page): Promise<number> {
  return page.locator('html').evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)
}

/** The colour of the page's ground. */
export function groundOf(page: Page): Promise<string> {
  return page
    .locator('body')
    .evaluate((body) => Reflect.get(globalThis, 'getComputedStyle')(body).backgroundColor)
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string | null
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}
