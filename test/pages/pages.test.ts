import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCheckout } from '#test/helpers/checkout.ts'
import { ownAddresses, startOwnSystem } from '#test/helpers/own-system.ts'
import { followPage, patternOf } from '#test/helpers/page.ts'
import type { System } from '#test/helpers/system.ts'

const pages = [
  'quick-start/product',
  'quick-start/billing',
  'quick-start/ops',
  'adding-a-meter',
  'migration',
].map((name) => `docs/${name}.md`)

const addresses = ownAddresses()
/** A system whose catalogue may be changed. */
let system: System
beforeAll(async () => {
  system = await startOwnSystem(addresses)
})
afterAll(() => system.stop())

/** Beside one another: one of them waits for a meter to begin. */
test.concurrent.for(pages)(
  '%s: its commands run as written and print what it says',
  { timeout: 240_000 },
  async (page, { onTestFinished, onTestFailed }) => {
    onTestFailed(() => {
      process.stdout.write(`${system.logOf('api')}\n${system.logOf('consumers')}\n`)
    })
    const checkout = await makeCheckout(system, addresses)
    onTestFinished(checkout.remove)
    await followPage(page, checkout)
  },
)

test('what a page says is printed is held against it: another figure or another line is a difference', () => {
  const pattern = patternOf('1 sent, 0 refused\n…\ntotal … ms\n')
  expect(pattern.test('1 sent, 0 refused\na\nb\ntotal 12 ms\n')).toBe(true)
  expect(pattern.test('1 sent, 0 refused\ntotal 12 ms')).toBe(false)
  expect(pattern.test('1 sent, 1 refused\na\ntotal 12 ms')).toBe(false)
  expect(pattern.test('1 sent, 0 refused\na\ntotal 12 ms\nmore')).toBe(false)
})
