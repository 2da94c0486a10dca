import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { describePage, type Stage } from './describe-page.ts'
import { openTab } from './tab.ts'

await describePage('ops page: what is granted', (stage) => {
  test('S1: a first purchase that is not paid has no period that runs, and nothing left of its limits', async () => {
    const page = await open(stage, { status: 'payment_pending' })
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
    const page = await open(stage, {
      ...trial,
      periodStart: end - 14 * DAY_MS,
      planSince: end,
      periodEnd: end,
    })
    await page.getByRole('region', { name: 'Subscription' }).getByText('trial ended 2 d ago').waitFor()
    const limits = page.getByRole('region', { name: 'Limits' })
    await limits.getByText('Access has ended').waitFor()
    expect(await limits.getByText(/ left/).count()).toBe(0)
  })

  test('what is not in the plan reads neither as unlimited nor as something that is left', async () => {
    const page = await open(stage, {})
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
async function open(
  { system, browser }: Stage,
  subscription: Readonly<Record<string, unknown>>,
): Promise<Page> {
  const workspace = new TestWorkspace(system)
  const type = subscription['status'] === 'trialing' ? 'trial_started' : 'purchased'
  await workspace.subscribe(subscription, { type })
  return openTab(browser, { api: system.api, key: system.key, hash: `#/workspace/${workspace.id}` })
}
