import { spawnSync } from 'node:child_process'
import { endianness } from 'node:os'
import { expect, test } from 'vitest'
import { toIso } from '#core/instant.ts'
import { anchoredMonth } from '#core/subscription/billing-window.ts'
import { seedOfRun } from '#test/helpers/random.ts'

const SAMPLES = 1_000_000
/** Anchor day, instant, first instant of the window, first instant after it. */
const FIELDS = 4

/** What an implementation in another language, on another principle, says of random anchors and instants. */
function expectedWindows(seed: number): Float64Array {
  const script = new URL('windows.py', import.meta.url).pathname
  const { error, status, stdout, stderr } = spawnSync('python3', [script, String(seed), String(SAMPLES)], {
    maxBuffer: SAMPLES * FIELDS * 8 + 1,
  })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') {
    throw new Error('python3 is missing: install Python 3.8 or newer, the windows are compared with it')
  }
  if (error !== undefined || status !== 0) throw new Error(`windows.py failed: ${error ?? stderr.toString()}`)
  return new Float64Array(stdout.buffer.slice(stdout.byteOffset, stdout.byteOffset + stdout.byteLength))
}

test('G16: a million windows of random anchors and instants, 1970–2100, are those of a calendar walked in Python', () => {
  expect(endianness()).toBe('LE')
  const seed = seedOfRun()
  const rows = expectedWindows(seed)
  expect(rows.length).toBe(SAMPLES * FIELDS)
  const wrong: string[] = []
  const anchors = new Set<number>()
  let clamped = 0
  for (let row = 0; row < rows.length && wrong.length < 10; row += FIELDS) {
    const [anchor = 0, at = 0, from = 0, to = 0] = rows.subarray(row, row + FIELDS)
    const month = anchoredMonth(anchor, at)
    anchors.add(anchor)
    if (new Date(from).getUTCDate() !== anchor) clamped += 1
    if (month.from !== from || month.to !== to) {
      wrong.push(
        `anchor ${anchor}, ${toIso(at)}: ${toIso(month.from)}, expected ${toIso(from)} to ${toIso(to)}`,
      )
    }
  }
  expect(wrong, `seed ${seed}`).toEqual([])
  expect(anchors.size, `seed ${seed}: anchors drawn`).toBe(31)
  expect(clamped, `seed ${seed}: windows that begin on a month's last day instead`).toBeGreaterThan(10_000)
})
