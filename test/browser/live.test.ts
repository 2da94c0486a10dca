import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/instant.ts'
import type { System } from '#test/helpers/system.ts'
import type { TestWorkspace } from '#test/helpers/workspace.ts'
import { findChromium } from './chromium.ts'
import { settled } from './shots.ts'
import { type Stand, startStand } from './stand.ts'
import { openTab } from './tab.ts'

const found = await findChromium()
if ('missing' in found) process.stdout.write(`browser tests are skipped: ${found.missing}\n`)

let stand: Stand
let system: System
let workspace: TestWorkspace
let browser: Browser

describe.runIf('path' in found)('ops page while it stays open', () => {
  beforeAll(async () => {
    stand = await startStand(found)
    ;({ system, workspace, browser } = stand)
  })
  afterAll(() => stand.stop())

  test('how long ago something was goes on while the answer stays the same, and the focus stays', async () => {
    const page = await open('')
    await page.clock.install()
    await page.goto(`${system.api}/#/workspace/${workspace.id}`)
    await settled(page)
    const versions = page.getByRole('list', { name: 'Versions of the subscription' })
    await versions.focus()
    await page.clock.fastForward(2 * HOUR_MS)
    await versions.getByText(/\(2 h( \d+ min)? ago\)$/).waitFor()
    expect(await versions.evaluate((list) => list === list.ownerDocument.activeElement)).toBe(true)
  })

  test('a link with other filters in an open tab shows what it says, and the one of the view drops them', async () => {
    const page = await open('#/limits?atLeast=100')
    const share = page.getByLabel('Share')
    const turn = async (way: () => Promise<unknown>, shown: string): Promise<void> => {
      const read = page.waitForRequest(`**/v1/usage?atLeast=${shown}`)
      await way()
      await read
      expect(await share.inputValue()).toBe(shown)
    }
    await turn(() => page.goto(`${system.api}/#/limits?atLeast=80`), '80')
    await turn(() => page.getByRole('link', { name: 'Limits' }).click(), '50')
    await turn(() => share.selectOption('100'), '100')
    await turn(() => page.getByRole('link', { name: 'Limits' }).click(), '50')
  })

  test('limits: where more than was read is as full, the figures say so and none is not called good', async () => {
    const page = await open('#/system')
    const rows = Array.from({ length: 50 }, (_, index) => {
      return { workspace: `full-${index}`, feature: 'leads', used: 10, limit: 10, percent: 100 }
    })
    await page.route('**/v1/usage*', (route) =>
      route.fulfill({ json: { asOf: null, usage: rows, cursor: '100.5' } }),
    )
    await page.goto(`${system.api}/#/limits`)
    await settled(page)
    const figures = page.locator('#limits-tiles dd:not(.tile-detail)')
    expect(await figures.allTextContents()).toEqual(['50+', '0+', '200+'])
    expect(await page.locator('.tile.good').count()).toBe(0)
    await page.getByLabel('Share').selectOption('100')
    await figures.nth(2).waitFor({ state: 'detached' })
    expect(await figures.allTextContents()).toEqual(['50+', '200+'])
  })

  test.for([1, 7, 30])('dead letters: the last %d days are that long at any time of day', async (days) => {
    const page = await open('#/system')
    const asked = page.waitForRequest('**/v1/dead-letters*')
    await page.goto(`${system.api}/#/dead-letters?days=${days}`)
    const from = Date.parse(new URL((await asked).url()).searchParams.get('from') ?? '')
    const longer = Date.now() - from - days * DAY_MS
    expect(longer).toBeGreaterThanOrEqual(0)
    expect(longer).toBeLessThan(2 * MINUTE_MS)
  })

  test('a key for some workspaces is told why it may not see the system', async () => {
    const key = await system.createKey({ scopes: ['usage:read'], workspaces: [workspace.id] })
    const page = await open('#/system', key)
    await page.getByRole('alert').getByText('use a key for *').waitFor()
    expect(await page.getByText('This needs a key with the scope').count()).toBe(0)
  })

  test('decisions: more than are listed is said so', async () => {
    const page = await open('#/system')
    const last = { at: new Date().toISOString(), quantity: 1, why: 'it is used up' }
    const denial = {
      feature: 'leads',
      reason: 'limit_reached',
      allowed: false,
      sampled: false,
      count: 1,
      last,
    }
    const decisions = Array.from({ length: 31 }, () => ({ ...denial, minute: last.at }))
    await page.route('**/decisions', (route) => route.fulfill({ json: { decisions, cursor: null } }))
    await page.goto(`${system.api}/#/workspace/${workspace.id}`)
    const part = page.getByRole('region', { name: 'Denied in the last 24 hours' })
    await part.getByText('The newest 30; the API has the older ones.').waitFor()
    expect(await part.getByRole('listitem').count()).toBe(30)
  })

  test('an API that has just started has its figures a moment later: the page asks again before it says so', async () => {
    const page = await open('#/system')
    const late = { code: 'unavailable', status: 503, detail: 'its counters cannot be reached; try again' }
    await page.route('**/entitlements', (route) => route.fulfill({ status: 503, json: late }), { times: 2 })
    await page.goto(`${system.api}/#/workspace/${workspace.id}`)
    const limits = page.getByRole('region', { name: 'Limits' })
    await limits.locator('.limits, .note').first().waitFor()
    expect(await limits.getByRole('alert').count()).toBe(0)
  })

  test('what if: plans that could not be read are asked for again', async () => {
    const page = await open('')
    await page.clock.install()
    await page.route('**/v1/catalogue', (route) => route.abort(), { times: 1 })
    await page.goto(`${system.api}/#/workspace/${workspace.id}`)
    const part = page.getByRole('region', { name: 'What if?' })
    await part.getByRole('alert').waitFor()
    await page.clock.fastForward(HOUR_MS)
    await part.getByRole('option', { name: 'Base' }).waitFor({ state: 'attached' })
    expect(await part.getByRole('alert').count()).toBe(0)
  })

  test('why: a year of five digits is refused in a sentence, and nothing stays loading', async () => {
    const page = await open(`#/workspace/${workspace.id}`)
    const part = page.getByRole('region', { name: 'Why is this denied?' })
    await part.getByLabel('At (UTC)').evaluate((field) => {
      Reflect.set(field, 'value', '12345-01-01T00:00')
      Reflect.get(field, 'form').noValidate = true
    })
    await part.getByRole('button', { name: 'Explain' }).click()
    await part.getByText('This is no time').waitFor()
    expect(await part.locator('.bones').count()).toBe(0)
  })
})

async function open(hash: string, key = system.key): Promise<Page> {
  return openTab(browser, { api: system.api, key, hash })
}
