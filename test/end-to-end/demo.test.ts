import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { playDemo } from '#deploy/demo/player.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())

/** What the rules of the domain answer in each story, in order. Written here, not read from the stories. */
const wanted: Readonly<Record<string, readonly string[]>> = {
  'A workspace that grows into its limits': [
    '✓ add 1 leads: within_limit',
    '✗ add 1 contacts_companies: limit_reached',
    '✓ add 10 contacts_companies: within_limit',
    '✗ add 1 whatsapp_numbers +15550002: limit_reached',
    '✓ add 1 whatsapp_numbers +15550001: within_limit',
    '✗ add 2000 ai_credits: limit_reached',
    '✗ add 1 ai_agents: feature_not_in_plan',
    '✓ add 1 leads: over_limit_grace',
    '✓ add 1 leads: within_limit',
    '✓ add 1 whatsapp_numbers +15550002: within_limit',
    '✓ add 1 ai_agents: within_limit',
    '✓ use 1 salesbot: feature_on',
  ],
  'A trial that ends in seconds': [
    '✓ add 1 leads: unlimited',
    '✓ use 1 copilot_analyst_mode: feature_on',
    '✗ add 1 leads: subscription_lapsed',
    '✓ read 1 leads: unlimited',
    '✓ add 1 leads: within_limit',
  ],
  'A payment that fails, and comes after all': [
    '✓ add 1 broadcasting: feature_on',
    '✗ add 5 ai_credits: payment_pending',
    '✓ use 1 broadcasting: feature_on',
    '✓ add 5 ai_credits: within_limit',
  ],
}

let lines: string[] = []

test('demo: every answer of every story is the one that the rules give', async () => {
  lines = []
  const { kafka, registry, redis, mongo } = engineAddresses()
  const keys = { check: system.key, consume: system.key, events: system.key, read: system.key, admin: '' }
  const run = { api: system.api, admin: system.api, kafka, registry, redis, mongo, keys }
  const print = (text: string): void => {
    lines.push(...stripVTControlCharacters(text).split('\n'))
  }
  expect(await playDemo(run, print), lines.join('\n')).toBe(true)
  const stories: Record<string, string[]> = {}
  let told: string[] = []
  for (const line of lines) {
    const [, title] = /^(A .*) \(\w+-\w+\)$/.exec(line) ?? []
    if (title !== undefined) {
      told = []
      stories[title] = told
    }
    const [, mark, question, reason] = /^ +([✓✗]) (?:allowed|denied) +(.*?) {2}(\w+)/.exec(line) ?? []
    if (mark !== undefined) told.push(`${mark} ${question}: ${reason}`)
  }
  expect(stories).toEqual(wanted)
})

test('README: the answer that it shows is the one after the stories, but for times and the suffix', async () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, question = ''] = /-d '(\{.*\})'/.exec(readme) ?? []
  const [, shown = ''] = /```json\n([\s\S]*?)```/.exec(readme) ?? []
  const workspace = /\((acme-\w+)\)/.exec(lines.join('\n'))?.[1] ?? ''
  const told = new TestWorkspace(system, workspace)
  const answer = await told.checkExactly({ ...JSON.parse(question), workspace })
  const still = (decision: object): unknown =>
    JSON.parse(
      JSON.stringify(decision)
        .replaceAll(/acme-\w+/g, 'acme')
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'a time')
        .replace(/"lagMs":\d+/, '"lagMs":0'),
    )
  expect(still(JSON.parse(shown))).toEqual(still(answer))
})
