import type { Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { TestWorkspace } from '#test/helpers/workspace.ts'
import { describePage, type Stage } from './describe-page.ts'
import { openTab } from './tab.ts'

await describePage('ops page: keys', (stage) => {
  test.for(['tg_live_AAAAAAAA_nothing', 'tg_live_ΑΑΑΑΑΑΑΑ_Greek', 'tg_live_AAAAAAAA_пароль'])(
    'sign-in: %s, which is no key, is refused in words and not kept',
    async (typed) => {
      const page = await (await stage.browser.newContext()).newPage()
      onTestFinished(() => page.context().close())
      await page.goto(stage.system.api)
      await page.getByLabel('API key').fill(typed)
      await page.getByRole('button', { name: 'Open' }).click()
      await page.getByRole('alert').getByText('This is no key').waitFor()
      expect(await page.evaluate(() => sessionStorage.length)).toBe(0)
    },
  )

  test('sign-in: beside something that is no key the key is taken', async () => {
    const page = await open(stage, `tg_live_ΑΑΑΑΑΑΑΑ_Greek ${stage.system.key}`, '#/system')
    await page.getByRole('table', { name: 'Lag by partition' }).waitFor()
  })

  test('of keys for different workspaces the one that may see it is used, in any order', async () => {
    const workspaces = [new TestWorkspace(stage.system), new TestWorkspace(stage.system)]
    await Promise.all(workspaces.map((workspace) => workspace.subscribe({})))
    const keys = await Promise.all(
      workspaces.map(({ id }) =>
        stage.system.createKey({ scopes: ['usage:read', 'check'], workspaces: [id] }),
      ),
    )
    const [first, second] = workspaces
    const page = await open(stage, keys.join(' '), `#/workspace/${second?.id}`)
    await page.getByRole('img', { name: /^Leads: / }).waitFor()
    const why = page.getByRole('region', { name: 'Why is this denied?' })
    await why.getByRole('button', { name: 'Explain' }).click()
    await why.getByText('How this was decided').waitFor()
    await page.goto(`${stage.system.api}/#/workspace/${first?.id}`)
    await page.getByRole('heading', { level: 1, name: first?.id ?? '' }).waitFor()
    await page.getByRole('img', { name: /^Leads: / }).waitFor()
    await page.goto(`${stage.system.api}/#/workspace/nobody-at-all`)
    await page.getByText('No such workspace').waitFor()
  })

  test('a text that is no workspace id is said to be so, once', async () => {
    const page = await open(stage, stage.system.key, '#/workspace/a b')
    await page.getByText('No such workspace').waitFor()
    await page.getByText('An id has 1 to 64').waitFor()
    expect(await page.getByRole('alert').count()).toBe(0)
  })
})

function open({ system, browser }: Stage, key: string, hash: string): Promise<Page> {
  return openTab(browser, { api: system.api, key, hash })
}
