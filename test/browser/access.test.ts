import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { findChromium, startChromium } from './chromium.ts'
import { openTab } from './tab.ts'

const found = await findChromium()
if ('missing' in found) process.stdout.write(`browser tests are skipped: ${found.missing}\n`)

let system: System
let browser: Browser

describe.runIf('path' in found)('ops page: what is granted', () => {
  beforeAll(async () => {
    system = await startSystem()
    browser = await startChromium('path' in found ? found.path : '')
  })
  afterAll(async () => {
    await browser.close()
    await system.stop()
  })

  test('S1: a first purchase that is not paid has no period that runs, and nothing left of its limits', async () => {
    const page = await open({ status: 'payment_pending' })
    const period = page.getByRole('region', { name: 'Subscription' }).locator('.period')
    await period.getByText('nothing is granted before the first payment').waitFor()
    expect(await period.locator('.period-done, .period-now').count()).toBe(0)
    const limits = page.getByRole('region', { name: 'Limits' })
    await limits.getByText('Nothing of this is granted before the first payment.').waitFor()
    expect(await limits.getByText(/ left|new allowance/).count()).toBe(0)
  })

  test('a trial that is over says so, and what can be added after it', async () => {
    const end = Date.now() - 2 * DAY_MS
    const trial = { status: 'trialing', plan: 'trial', termMonths: 0, paymentMethod: null }
    const page = await open({ ...trial, periodStart: end - 14 * DAY_MS, planSince: end, periodEnd: end })
    await page.getByRole('region', { name: 'Subscription' }).getByText('trial ended 2 d ago').waitFor()
    const limits = page.getByRole('region', { name: 'Limits' })
    await limits.getByText('Access has ended').waitFor()
    expect(await limits.getByText(/ left/).count()).toBe(0)
  })

  test('what is not in the plan reads neither as unlimited nor as something that is left', async () => {
    const page = await open({})
    const limits = page.getByRole('region', { name: 'Limits' })
    const row = (name: string) => limits.getByRole('listitem').filter({ hasText: name })
    await row('AI agents').first().waitFor()
    expect(await row('AI agents').first().textContent()).toMatch(/^AI agentsnot in the plan0 used/)
    await page.route('**/entitlements', async (route) => {
      const answer = await (await route.fetch()).json()
      const unstated = { source: 'none', limit: null, unlimited: false, remaining: null }
      const change = (one: { feature: string }) => (one.feature === 'leads' ? { ...one, ...unstated } : one)
      await route.fulfill({ json: { ...answer, entitlements: answer.entitlements.map(change) } })
    })
    await row('Leads').getByText('not in the plan').waitFor()
    expect(await row('Leads').textContent()).not.toMatch(/no limit|left/)
    expect(await row('Leads').getByRole('img').count()).toBe(0)
  })
})

/** A workspace of its own with such a subscription. */
async function open(subscription: Readonly<Record<string, unknown>>): Promise<Page> {
  const workspace = new TestWorkspace(system)
  const type = subscription['status'] === 'trialing' ? 'trial_started' : 'purchased'
  await workspace.subscribe(subscription, { type })
  return openTab(browser, { api: system.api, key: system.key, hash: `#/workspace/${workspace.id}` })
}
