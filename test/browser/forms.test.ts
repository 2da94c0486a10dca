import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

describe.runIf('path' in found)('ops page: what somebody asks, and what it says of it', () => {
  beforeAll(async () => {
    stand = await startStand(found)
    ;({ system, workspace, browser } = stand)
  })
  afterAll(() => stand.stop())

  test('a form that could not be asked says to try again: it is not sent anew by itself', async () => {
    const page = await open(`#/workspace/${workspace.id}`)
    for (const path of ['check', 'what-if', 'quote', 'catalogue'])
      await page.route(`**/v1/${path}`, (route) => route.abort('connectionrefused'))
    for (const [name, button] of [
      ['Why is this denied?', 'Explain'],
      ['What if?', 'Try'],
    ] as const) {
      const form = page.getByRole('region', { name })
      await form.getByRole('button', { name: button }).click()
      await form.getByText('Try again in a moment.').waitFor()
    }
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('API key').fill(system.key)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByText('Try again in a moment.').waitFor()
  })

  test('figures above a list that is old are in grey, too', async () => {
    const page = await open(`#/workspace/${workspace.id}`)
    const filterOf = (place: string): Promise<unknown> =>
      page.evaluate(`getComputedStyle(document.querySelector('${place}')).filter`)
    await page.route('**/v1/**', (route) => route.abort('connectionrefused'))
    await page.locator('#limits-body.old').waitFor()
    expect(await filterOf('.title .badges')).toBe('grayscale(1)')
    await page.unrouteAll()
    await page.goto(`${system.api}/#/limits`)
    await settled(page)
    expect(await filterOf('#limits-tiles')).toBe('none')
    await page.route('**/v1/**', (route) => route.abort('connectionrefused'))
    await page.locator('#limits-body.old').waitFor()
    expect(await filterOf('#limits-tiles')).toBe('grayscale(1)')
  })

  test('a moment of the past is explained from what is kept of it, not as of now', async () => {
    const page = await open(`#/workspace/${workspace.id}`)
    const why = page.getByRole('region', { name: 'Why is this denied?' })
    await why.getByLabel('At (UTC)').fill(new Date(Date.now() - 60_000).toISOString().slice(0, -1))
    await why.getByRole('button', { name: 'Explain' }).click()
    await why.getByText('From what is kept of that time.').waitFor()
  })

  test('a command that the browser may not copy is selected instead, and that is said', async () => {
    const page = await open('#/limits')
    const command = 'npx tallygate redrive --topic usage.events'
    const one = {
      topic: 'usage.events',
      found: 1,
      sentBefore: 0,
      cut: 0,
      statesCount: 0,
      wouldSend: 1,
      command,
    }
    const json = { summary: [], isWhole: true, letters: [], cursor: null, redrives: [one] }
    await page.route('**/v1/dead-letters*', (route) => route.fulfill({ json }))
    await page.goto(`${system.api}/#/dead-letters`)
    await page.evaluate(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`)
    await page.getByRole('button', { name: 'Copy the command' }).click()
    await page.getByText('It could not be copied').waitFor({ state: 'attached' })
    expect(await page.evaluate('getSelection().toString()')).toBe(command)
  })

  test('a feature that a link names and the catalogue has no more is shown, and can be left', async () => {
    const page = await open('#/limits?feature=faxes')
    const refusal = page.getByText('there is no feature "faxes"')
    await refusal.waitFor()
    const features = page.getByLabel('Feature')
    await page.locator('option[value="faxes"]').waitFor({ state: 'attached' })
    expect(await features.inputValue()).toBe('faxes')
    await features.selectOption('')
    await refusal.waitFor({ state: 'hidden' })
    expect(await features.inputValue()).toBe('')
  })
})

async function open(hash: string): Promise<Page> {
  const page = await openTab(browser, { api: system.api, key: system.key, hash })
  await settled(page)
  return page
}
