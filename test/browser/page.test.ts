import { randomUUID } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type System, startSystem } from '#test/helpers/system.ts'
import { findChromium, startChromium } from './chromium.ts'
import { bringAxe, groundOf, overflowOf, seriousIssues } from './looks.ts'
import { explain, hide, preview, settled, tryBase } from './shots.ts'
import { type Stage, setStage } from './stage.ts'
import { openTab, type Tab } from './tab.ts'

const found = await findChromium()
if ('missing' in found) process.stdout.write(`browser tests are skipped: ${found.missing}\n`)

let system: System
let stage: Stage
let browser: Browser
/** What the page is for: everything here is seen with the scope usage:read alone. */
let reading: string

describe.runIf('path' in found)('ops page in a browser', () => {
  beforeAll(async () => {
    system = await startSystem(['api', 'consumers'], { SNAPSHOT_EVERY_MS: '1000' })
    stage = await setStage(system, `-${randomUUID().slice(0, 6)}`)
    reading = await system.createKey({ scopes: ['usage:read'] })
    browser = await startChromium('path' in found ? found.path : '')
  })
  afterAll(async () => {
    await browser.close()
    await system.stop()
  })

  test('limits: the fullest first, narrowed by share, feature and search, and kept in the address', async () => {
    const page = await open('#/limits?atLeast=50')
    const rows = page.getByRole('table', { name: 'Workspaces nearest to a limit' }).locator('tbody tr')
    await rows.filter({ hasText: stage.grown.id }).first().waitFor()
    const shares = (await rows.locator('td:last-child').allTextContents()).map((text) =>
      Number.parseInt(text, 10),
    )
    expect(shares).toEqual(shares.toSorted((a, b) => b - a))
    expect(await rows.filter({ hasText: stage.calm.id }).count()).toBe(0)
    await page.getByLabel('Feature').selectOption('leads')
    await rows.filter({ hasNotText: 'Leads' }).first().waitFor({ state: 'detached' })
    await page.getByRole('searchbox', { name: 'Workspace' }).fill(stage.grown.id)
    await rows.filter({ hasText: stage.grown.id }).waitFor()
    await rows.filter({ hasNotText: stage.grown.id }).first().waitFor({ state: 'detached' })
    expect(page.url()).toContain(`feature=leads&atLeast=50&search=${stage.grown.id}`)
    await page.getByRole('searchbox', { name: 'Workspace' }).fill(stage.calm.id)
    await page.getByText('None of these is called so').waitFor()
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('heading', { level: 1, name: stage.calm.id }).waitFor()
  })

  test('workspace: what is used, held and left of each limit, as the API says it', async () => {
    const page = await open(`#/workspace/${stage.grown.id}`)
    const limits = page.getByRole('region', { name: 'Limits' })
    await limits.getByRole('img', { name: 'Leads: 16,214 used of 15,000' }).waitFor()
    await limits.getByRole('img', { name: /^AI credits: [\d,]+ used, 240 held of 3,750$/ }).waitFor()
    await limits.getByText('Copilot analyst mode: off').waitFor()
    expect(await page.getByRole('region', { name: 'Orders' }).locator('tbody tr').count()).toBe(3)
    const versions = page.getByRole('list', { name: 'Versions of the subscription' })
    expect(await versions.getByRole('listitem').first().textContent()).toContain('Downgrade needs support')
    await page.getByRole('list', { name: 'Notices' }).getByText('Leads 100 %').waitFor()
  })

  test('workspace: use by day is drawn, with the table behind it', async () => {
    const page = await open(`#/workspace/${stage.grown.id}?feature=ai_credits`)
    const part = page.getByRole('region', { name: 'Use by day' })
    await part.locator('canvas').waitFor()
    await part.locator('.u-over').hover()
    await part
      .locator('.readout')
      .getByText(/^\d+ \w+ \d{4}: [\d,]+$/)
      .waitFor()
    await part.getByText('As a table').click()
    expect(await part.locator('tbody tr').count()).toBeGreaterThan(20)
    await part.getByLabel('Feature of the chart').selectOption('leads')
    await part.getByRole('img', { name: /^Leads by day/ }).waitFor()
  })

  test('workspace: a new event shows by itself', async () => {
    const page = await open(`#/workspace/${stage.calm.id}`)
    await page.getByRole('img', { name: 'Leads: 1,200 used of 50,000' }).waitFor()
    await stage.calm.send('LeadEvent', { leadId: 'new', action: 'created', quantity: 34 })
    await page.getByRole('img', { name: 'Leads: 1,234 used of 50,000' }).waitFor()
  })

  test('live: read again by itself, but not while it is off, nor while the page is hidden', async () => {
    const page = await open('#/system')
    await page.clock.install()
    await page.reload()
    await settled(page)
    const readsOfAMinute = async (): Promise<number> => {
      let reads = 0
      const count = (): void => {
        reads += 1
      }
      page.on('request', count)
      await page.clock.runFor(60_000)
      page.off('request', count)
      return reads
    }
    const button = page.getByRole('button', { name: 'Live' })
    expect(await readsOfAMinute()).toBeGreaterThan(0)
    await button.click()
    expect([await button.getAttribute('aria-pressed'), await readsOfAMinute()]).toEqual(['false', 0])
    const next = page.waitForRequest('**/v1/system')
    await button.click()
    await next
    await hide(page)
    expect(await readsOfAMinute()).toBe(0)
  })

  test('why: a denial is explained step by step, with what would help', async () => {
    const page = await open(`#/workspace/${stage.grown.id}`)
    await explain(page)
    const part = page.getByRole('region', { name: 'Why is this denied?' })
    await part.getByText('Denied', { exact: true }).waitFor()
    expect(await part.locator('.trace li strong').allTextContents()).toEqual([
      'Subscription',
      'Plan',
      'Seats',
      'Limit',
      'Use',
      'Answer',
    ])
    expect(await part.locator('.ways').textContent()).toContain('Buy 1 pack of AI credits 5000')
  })

  test('why: a denial of the past is asked about as it was then', async () => {
    const page = await open(`#/workspace/${stage.grown.id}`)
    const newest = page.getByRole('button', { name: /^Explain AI credits/ }).first()
    await newest.click()
    const part = page.getByRole('region', { name: 'Why is this denied?' })
    await part.getByText('Known', { exact: true }).first().waitFor()
    await part.getByText('Denied', { exact: true }).waitFor()
    await part.locator('#why-intent').selectOption('read')
    await part.getByLabel('Resource').fill('another-question')
    const asked = page.waitForRequest('**/v1/check')
    await newest.click()
    const { subject, ...question } = (await asked).postDataJSON()
    expect([question.intent, question.quantity, subject]).toEqual(['add', 4_000, undefined])
    expect(question.at).toMatch(/T\d\d:\d\d:\d\d\.\d\d\dZ$/)
    await part.getByLabel('At (UTC)').fill('2026-11-20T14:02:00.120')
    const next = page.waitForRequest('**/v1/check')
    await part.getByRole('button', { name: 'Explain' }).click()
    expect((await next).postDataJSON().at).toBe('2026-11-20T14:02:00.120Z')
  })

  test('a key that lacks the scope usage:read is told so, and what it may see is shown', async () => {
    const key = await system.createKey({ scopes: ['check'] })
    const page = await open(`#/workspace/${stage.grown.id}`, { key })
    const orders = page.getByRole('region', { name: 'Orders' })
    await orders.getByText('This needs a key with the scope usage:read').waitFor()
    await page.getByRole('img', { name: /^Leads: / }).waitFor()
    const why = page.getByRole('region', { name: 'Why is this denied?' })
    await why.getByRole('button', { name: 'Explain' }).click()
    await why.getByText('How this was decided').waitFor()
  })

  test('workspace: one that is not known is said to be so, once', async () => {
    const page = await open('#/workspace/nobody-at-all')
    await page.getByText('No such workspace').waitFor()
    expect(await page.getByRole('region').count()).toBe(0)
  })

  test('keys: of several the one that has the scope is used', async () => {
    const keys = await Promise.all([
      system.createKey({ scopes: ['consume'] }),
      system.createKey({ scopes: ['usage:read'] }),
    ])
    const page = await open(`#/workspace/${stage.grown.id}`, { key: keys.join(' ') })
    await page.getByRole('img', { name: /^Leads: / }).waitFor()
    expect(await page.getByText('This needs a key').count()).toBe(0)
  })

  test('what if: fewer seats show who would be denied what, and change nothing', async () => {
    const page = await open(`#/workspace/${stage.grown.id}`)
    const part = page.getByRole('region', { name: 'What if?' })
    await part.getByLabel('Plan').selectOption('base')
    await part.getByLabel('Seats').fill('1')
    await part.getByRole('button', { name: 'Try' }).click()
    await part.getByRole('img', { name: 'Contacts companies: 61,400 used of 12,500' }).waitFor()
    await page.getByRole('region', { name: 'Limits' }).getByText('75,000').waitFor()
  })

  test('dead letters: by code, and what the command would send again', async () => {
    const page = await open(`#/dead-letters?workspace=${stage.grown.id}`)
    const codes = page.getByRole('table', { name: 'Dead letters by code' }).locator('tbody tr')
    const counted = (code: string) => codes.filter({ hasText: code }).locator('td').nth(1).textContent()
    await codes.filter({ hasText: 'too_late' }).waitFor()
    expect(await Promise.all(['too_late', 'unknown_meter', 'quantity_out_of_range'].map(counted))).toEqual([
      '7',
      '4',
      '3',
    ])
    await page.getByRole('button', { name: 'Preview Too late' }).click()
    const redrive = page.getByRole('region', { name: 'Redrive preview' })
    await redrive.getByText('--code too_late').waitFor()
    const command = (await redrive.locator('pre').textContent()) ?? ''
    for (const part of [`--workspace ${stage.grown.id}`, '--topic usage.events'])
      expect(command).toContain(part)
    const tile = redrive.locator('.tile').filter({ hasText: 'Would be sent' })
    expect(await tile.locator('dd').textContent()).toBe('7')
    await page.getByRole('button', { name: 'Preview Downgrade needs support' }).click()
    await redrive.getByText('Do not redrive these').waitFor()
  })

  test.for(['light', 'dark'] as const)(
    'looks: axe finds nothing serious in any view, %s',
    async (colorScheme) => {
      const page = await open('#/limits', { colorScheme })
      await bringAxe(page)
      for (const hash of hashes()) {
        await goTo(page, hash)
        await actOn(page, hash)
        expect(await seriousIssues(page), hash).toEqual([])
      }
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByLabel('API key').waitFor()
      expect(await seriousIssues(page), 'sign-in').toEqual([])
    },
  )

  test('looks: at 360 px nothing is cut off, and axe finds nothing serious', async () => {
    const page = await open('#/limits', { viewport: { width: 360, height: 740 } })
    await bringAxe(page)
    for (const hash of hashes()) {
      await goTo(page, hash)
      await actOn(page, hash)
      expect(await overflowOf(page), hash).toBe(0)
      expect(await seriousIssues(page), hash).toEqual([])
    }
  })

  test('looks: colours follow the system until the button says otherwise, which is kept', async () => {
    const page = await open('#/limits', { colorScheme: 'dark' })
    const dark = await groundOf(page)
    await page.getByRole('button', { name: 'Dark colours' }).click()
    const light = await groundOf(page)
    expect(light).not.toBe(dark)
    await page.reload()
    await settled(page)
    expect(await groundOf(page)).toBe(light)
  })

  test('keyboard: the first key leads past the header, and the focus is seen', async () => {
    const page = await open('#/limits')
    await page.reload()
    await settled(page)
    await page.keyboard.press('Tab')
    const skip = page.getByRole('link', { name: 'Skip to the content' })
    expect(await skip.evaluate((link) => link === link.ownerDocument.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    expect(await page.locator('main').evaluate((main) => main === main.ownerDocument.activeElement)).toBe(
      true,
    )
    await page.keyboard.press('Tab')
    const width = await page
      .locator(':focus')
      .evaluate((at) => at.ownerDocument.defaultView?.getComputedStyle(at).outlineWidth)
    expect(width).toBe('2px')
  })
})

/** Every view. */
function hashes(): readonly string[] {
  return [
    '#/limits',
    `#/workspace/${stage.grown.id}`,
    `#/workspace/${stage.unpaid.id}`,
    '#/dead-letters',
    '#/system',
  ]
}

/** Brings a view into the state in which it shows most. */
async function actOn(page: Page, hash: string): Promise<void> {
  if (hash.startsWith('#/workspace')) await explain(page)
  if (hash.endsWith(stage.grown.id)) await tryBase(page)
  if (hash.startsWith('#/dead-letters')) await preview(page)
}

async function goTo(page: Page, hash: string): Promise<void> {
  await page.goto(`${system.api}/${hash}`)
  await settled(page)
}

async function open(hash: string, { key = reading, ...options }: Partial<Tab> = {}): Promise<Page> {
  return openTab(browser, { api: system.api, key, hash, ...options })
}
