import { join } from 'node:path'
import type { Browser, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { installClient } from '#test/helpers/installed-client.ts'
import type { System } from '#test/helpers/system.ts'
import type { TestWorkspace } from '#test/helpers/workspace.ts'
import { findChromium } from './chromium.ts'
import { bringAxe, overflowOf, seriousIssues } from './looks.ts'
import { settled } from './shots.ts'
import { type Stand, startStand } from './stand.ts'
import { openTab, type Tab } from './tab.ts'

const found = await findChromium()
if ('missing' in found) process.stdout.write(`browser tests are skipped: ${found.missing}\n`)

let stand: Stand
let system: System
let workspace: TestWorkspace
let browser: Browser

interface SystemAnswer {
  readonly partitions: readonly { lagRecords: number | null; lagMs: number | null; end: number | null }[]
  readonly shards: readonly { shard: number; state: string }[]
}

describe.runIf('path' in found)('ops page when something is missing', () => {
  beforeAll(async () => {
    stand = await startStand(found)
    ;({ system, workspace, browser } = stand)
  })
  afterAll(() => stand.stop())

  test.for([
    ['#/system', '/v1/system', '.old'],
    ['#/limits', '/v1/usage', '.body.old'],
  ] as const)(
    'the API does not answer: %s stays, in grey, and is itself again afterwards',
    async ([hash, path, old]) => {
      const page = await open(hash)
      const away = (route: Route): Promise<void> => route.abort('connectionrefused')
      await page.route(`**${path}*`, away)
      await page.locator(old).waitFor()
      await page.getByText('What is shown is as it was').waitFor({ state: 'attached' })
      expect(await seriousIssues(page)).toEqual([])
      await page.unroute(`**${path}*`, away)
      await page.locator(old).waitFor({ state: 'detached' })
    },
  )

  test('the API does not answer from the beginning: that is said, and asked again', async () => {
    const page = await open('#/dead-letters')
    const away = (route: Route): Promise<void> => route.abort('connectionrefused')
    await page.route('**/v1/system', away)
    await page.goto(`${system.api}/#/system`)
    await page.getByRole('alert').getByText('The API does not answer').waitFor()
    expect(await seriousIssues(page)).toEqual([])
    await page.unroute('**/v1/system', away)
    await page.getByRole('table', { name: 'Lag by partition' }).waitFor()
  })

  test('a key that is revoked while the page is open: another is asked for, and the place is kept', async () => {
    const key = await system.createKey({ scopes: ['usage:read'] })
    const page = await open(`#/workspace/${workspace.id}`, { key })
    const ended = {
      code: 'unauthenticated',
      status: 401,
      title: 'A valid key is needed.',
      detail: 'It has ended.',
    }
    const refuse = (route: Route): Promise<void> =>
      route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify(ended) })
    await page.route('**/v1/**', refuse)
    await page.getByRole('alert').getByText('The key is not taken any more').waitFor()
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    expect(await seriousIssues(page)).toEqual([])
    await page.unroute('**/v1/**', refuse)
    await page.getByLabel('API key').fill(system.key)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.getByRole('heading', { level: 1, name: workspace.id }).waitFor()
  })

  test.for(['#/limits', '#/dead-letters', '#/system', '#/workspace/'] as const)(
    'until the first answer of %s there are bones, said to be loading',
    async (view) => {
      const page = await open(view === '#/limits' ? '#/system' : '#/limits')
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
      await page.route('**/v1/**', async (route) => {
        await answered
        await route.continue()
      })
      await page.goto(`${system.api}/${view}${view.endsWith('/') ? workspace.id : ''}`)
      await page.getByRole('status').getByText('Loading').first().waitFor({ state: 'attached' })
      expect(await page.locator('[aria-busy="true"]').count()).toBeGreaterThan(0)
      expect(await seriousIssues(page)).toEqual([])
      answer()
      await settled(page)
      expect(await page.locator('[aria-busy], .bones').count()).toBe(0)
    },
  )

  test('what a workspace has cannot be read: its use, why and what-if can be asked about all the same', async () => {
    const page = await open('#/limits')
    const away = { status: 503, json: { code: 'unavailable', status: 503, detail: 'MongoDB did not answer' } }
    for (const path of ['entitlements', 'subscription'])
      await page.route(`**/v1/workspaces/*/${path}`, (route) => route.fulfill(away))
    await page.goto(`${system.api}/#/workspace/${workspace.id}`)
    await page.getByText('Nothing was used').waitFor()
    await page.getByText('MongoDB did not answer').first().waitFor()
    const why = page.getByRole('region', { name: 'Why is this denied?' })
    await why.getByLabel('Feature').selectOption('leads')
    await why.getByRole('button', { name: 'Explain' }).click()
    await why.getByText('Allowed', { exact: true }).waitFor()
    const whatIf = page.getByRole('region', { name: 'What if?' })
    await whatIf.getByLabel('Plan').selectOption('advanced')
    await whatIf.getByRole('button', { name: 'Try' }).click()
    await whatIf.getByText('Nothing more would be denied').waitFor()
    expect(await seriousIssues(page)).toEqual([])
  })

  test('denials behind pages of sampled allows are found, and where reading stopped is said', async () => {
    const page = await open('#/limits')
    const minuteOf = (ago: number): string => new Date(Date.now() - ago * 60_000).toISOString()
    const last = { at: minuteOf(200), quantity: 1, why: 'denied: 3 of 3 are used' }
    const denial = { minute: minuteOf(200), feature: 'ai_agents', reason: 'limit_reached', count: 4, last }
    let isDenied = true
    await page.route('**/v1/workspaces/*/decisions*', async (route) => {
      const to = new URL(route.request().url()).searchParams.get('to')
      const isOlder = to !== null
      const decisions = isOlder && isDenied ? [{ ...denial, allowed: false, sampled: false }] : []
      const cursor = isOlder && isDenied ? null : minuteOf(isOlder ? 90 : 60)
      await route.fulfill({ json: { from: minuteOf(1_440), decisions, cursor } })
    })
    await page.goto(`${system.api}/#/workspace/${workspace.id}`)
    await page.getByRole('region', { name: 'Denied in' }).getByText('denied: 3 of 3 are used').waitFor()
    isDenied = false
    await page.reload()
    await page.getByText(/Nothing was denied since/).waitFor()
    await page.getByText('The API has what is older').waitFor()
  })

  test('an answer that comes after a newer question was asked is not shown', async () => {
    const page = await open(`#/workspace/${workspace.id}`)
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    await page.route('**/v1/check', async (route) => {
      if (route.request().postDataJSON().feature === 'leads') await released
      await route.continue().catch(() => undefined)
    })
    const why = page.getByRole('region', { name: 'Why is this denied?' })
    const dropped = page.waitForEvent('requestfailed')
    for (const feature of ['leads', 'ai_agents']) {
      await why.getByLabel('Feature').selectOption(feature)
      await why.getByRole('button', { name: 'Explain' }).click()
    }
    await why.getByText('Feature not in plan').first().waitFor()
    expect((await dropped).postDataJSON().feature).toBe('leads')
    release()
    await page.unrouteAll({ behavior: 'wait' })
    expect(await why.getByText('Denied', { exact: true }).count()).toBe(1)
  })

  test('where there is nothing, it is said so and why', async () => {
    const page = await open(`#/dead-letters?workspace=${workspace.id}`)
    await page.getByText('No dead letters').waitFor()
    await page.getByText('Nothing to send again').waitFor()
    expect(await seriousIssues(page)).toEqual([])
    await page.goto(`${system.api}/#/workspace/${workspace.id}`)
    await settled(page)
    for (const text of ['Nothing was denied', 'Nothing was used']) await page.getByText(text).waitFor()
    expect(await seriousIssues(page)).toEqual([])
    await page.goto(`${system.api}/#/limits?search=nobody-is-called-so`)
    await page.getByText('None of these is called so').waitFor()
    expect(await seriousIssues(page)).toEqual([])
  })

  test('SDK: the compiled package asks from the page of a server that passes it on; the page of another origin may not', async () => {
    const installed = installClient()
    onTestFinished(installed.remove)
    const page = await browser.newPage()
    onTestFinished(() => page.close())
    await page.route('**/sdk/**', (route) => serveSdk(route, join(installed.packageDir, 'dist')))
    const ask = async (from: string): Promise<unknown> => {
      await page.goto(`${from}/sdk/`)
      const options = { url: system.api, key: system.key, patienceMs: 5_000, timeoutMs: 2_000 }
      return page.evaluate(`(async () => {
        const { TallygateClient } = await import('/sdk/client.js')
        const client = new TallygateClient(${JSON.stringify(options)})
        const workspace = ${JSON.stringify(workspace.id)}
        const decision = await client.check({ workspace, feature: 'leads' }).catch(({ code }) => ({ code }))
        if (decision.code !== undefined) return decision
        const used = await client.consume({ workspace, items: [{ feature: 'ai_credits', quantity: 2 }] })
        return [decision.reason, used.granted]
      })()`)
    }
    expect(await ask(system.api)).toEqual(['within_limit', [2]])
    // Asked again until its patience ends, which may cut the last try off.
    expect(['network', 'timeout']).toContain(Object(await ask('http://elsewhere.test')).code)
  })

  test('system: every partition and every shard, with the figures of the API', async () => {
    const page = await open('#/system')
    const answer = await answerOf(page)
    const rows = page.getByRole('table', { name: 'Lag by partition' }).locator('tbody tr')
    expect(await rows.count()).toBe(8)
    expect(await page.locator('.shards').getByText('ready').count()).toBe(answer.shards.length)
    const ends = (await rows.locator('td:nth-child(3)').allTextContents()).map((text) =>
      text.replaceAll(',', ''),
    )
    expect(ends).toEqual(answer.partitions.map(({ end }) => String(end)))
    for (const text of await rows.locator('td:last-child').allTextContents())
      expect(text).toMatch(/^\d.* ago$/)
    for (const text of await rows.locator('td:nth-child(5)').allTextContents())
      expect(text).toMatch(/^(–|[\d,]+ ms)$/)
    await page.getByText(`one of ${answer.shards.length} parts`).waitFor()
  })

  test('system: a shard that is rebuilt shows, and what nobody knows is unknown, not fine', async () => {
    const page = await open('#/limits', { viewport: { width: 360, height: 740 } })
    await page.route('**/v1/system', async (route) => {
      const answer: SystemAnswer = await (await route.fetch()).json()
      const partitions = answer.partitions.map((one, index) =>
        index === 0
          ? { ...one, end: null, lagRecords: null, lagMs: null, enforcementLagMs: null }
          : { ...one, enforcementLagMs: 12_345 },
      )
      const shards = answer.shards.map((one) => (one.shard === 3 ? { ...one, state: 'rebuilding' } : one))
      await route.fulfill({ json: { ...answer, partitions, shards } })
    })
    await page.goto(`${system.api}/#/system`)
    await settled(page)
    const tile = (name: string) => page.locator('.tile').filter({ hasText: name })
    await tile('Shards ready').filter({ hasText: '15 of 16' }).waitFor()
    expect(await page.locator('.shards').getByText('rebuilding').count()).toBe(1)
    for (const name of ['Level with the log', 'Records behind'])
      expect(await tile(name).locator('dd').first().textContent(), name).toBe('unknown')
    expect(await page.locator('.tile.good').count()).toBe(0)
    const table = page.getByRole('region', { name: 'Lag by partition' })
    await table.getByRole('columnheader', { name: 'Append to counted' }).waitFor()
    await table.getByRole('cell', { name: '12,345 ms' }).first().waitFor()
    expect(await table.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
    expect(await overflowOf(page)).toBe(0)
    expect(await seriousIssues(page)).toEqual([])
  })
})

/** An empty page, and the files of the package beside it. */
function serveSdk(route: Route, dist: string): Promise<void> {
  const name = new URL(route.request().url()).pathname.replace('/sdk/', '')
  if (name === '')
    return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>sdk</title>' })
  return route.fulfill({ contentType: 'text/javascript', path: join(dist, name) })
}

function answerOf(page: Page): Promise<SystemAnswer> {
  return page.waitForResponse('**/v1/system').then((response) => response.json())
}

async function open(hash: string, { key = system.key, ...options }: Partial<Tab> = {}): Promise<Page> {
  const page = await openTab(browser, { api: system.api, key, hash, ...options })
  await bringAxe(page)
  await settled(page)
  return page
}
