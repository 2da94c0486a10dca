import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fetchEngines } from '#deploy/local/engines.ts'
import { COMPILED } from '#deploy/services.ts'
import { findChromium } from '#test/browser/chromium.ts'
import { fetchRuntimes } from '#test/helpers/runtimes.ts'

/**
 * `node run.ts [long]`: tidy, types, lint, unit tests, then what runs on real engines; each check counts as a test. Ends with
 * `N passed, N failed`.
 *
 * Without `long` what is run for each commit: engines and one system that all files share, the simulator, the demo, and the
 * crash in the middle of 100,000 events. With it all the rest: systems with settings of their own, crashes and lies of
 * engines, a cluster, the page in a browser, the pages of the docs, and last and alone what promises how long something takes.
 *
 * What is long runs in two lanes and not three: two cores ran three in a fifth less time, and made others wait for what is
 * promised soon. The simulator needs a Redis alone, so that there are three beside it.
 */
const bin = join(import.meta.dirname, '..', 'node_modules', '.bin')
const scratch = mkdtempSync(join(tmpdir(), 'tallygate-run-'))
/** Processes that live for seconds: compiled code is kept between them, Java does not compile twice, Go collects seldom. */
const SHORT_LIVED = {
  NODE_COMPILE_CACHE: COMPILED,
  JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1',
  GOGC: '400',
}
const env = { ...process.env, ...SHORT_LIVED, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) }

const isLong = process.argv.includes('long')
const fetching = fetchAll()
const checks = isLong ? [] : await runChecks()
await fetching
const lanes = isLong
  ? [
      ['chaos', 'cluster', 'pages'],
      ['systems', 'browser'],
    ]
  : [['integration'], ['end-to-end'], ['simulator', 'acceptance']]
const slow = await Promise.all(lanes.map(runProjects))
const alone = isLong ? [await runProjects(['timed'])] : []
rmSync(scratch, { recursive: true, force: true })

const all = [...checks, ...slow, ...alone]
process.stdout.write(
  all.flatMap(({ failures }) => failures.map((failure) => `\nfailed: ${failure}\n`)).join(''),
)
const passed = all.reduce((sum, one) => sum + one.passed, 0)
const failed = all.reduce((sum, one) => sum + one.failed, 0)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

/**
 * Has everything there before several ask for it at once: apt serves one at a time, and three downloads of the same cost
 * thrice. What fails here is said by the tests that need it.
 */
async function fetchAll(): Promise<void> {
  await fetchEngines(process.env).catch(() => undefined)
  if (isLong) await findChromium()
  else await fetchRuntimes().catch(() => undefined)
}

/** What needs no engine, in the order of cost. */
async function runChecks(): Promise<readonly Outcome[]> {
  return [
    await runProjects(['tidy']),
    await runCheck('types', 'tsc', ['-p', 'tsconfig.json']),
    await runCheck('lint', 'biome', ['check', '.']),
    await runProjects(['unit']),
  ]
}

interface Outcome {
  readonly passed: number
  readonly failed: number
  /** What failed and why, said again at the end, where it is looked for. */
  readonly failures: readonly string[]
}

interface Report {
  readonly numPassedTests?: number
  readonly numFailedTests?: number
  readonly testResults?: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** A check that is no test counts as one. */
async function runCheck(name: string, tool: string, args: readonly string[]): Promise<Outcome> {
  const code = await run(name, tool, args)
  return code === 0 ? { passed: 1, failed: 0, failures: [] } : { passed: 0, failed: 1, failures: [name] }
}

/** Runs Vitest projects one after another; an end that no test explains counts as a failure. */
async function runProjects(projects: readonly string[]): Promise<Outcome> {
  const report = join(scratch, `${projects.join('-')}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const named = projects.flatMap((project) => ['--project', project])
  const code = await run(projects.join(', '), 'vitest', ['run', ...named, ...reporters])
  const told = readReport(report)
  const { numPassedTests = 0, numFailedTests = 0 } = told
  if (code === 0 || numFailedTests > 0) {
    return { passed: numPassedTests, failed: numFailedTests, failures: failuresOf(told) }
  }
  const end = `vitest ended with ${code}, of ${projects.join(', ')}`
  return { passed: numPassedTests, failed: 1, failures: [...failuresOf(told), end] }
}

function failuresOf({ testResults = [] }: Report): string[] {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed')
    const tests = failed.map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join('\n')}`)
    return message === '' ? tests : [...tests, `${name}\n${message}`]
  })
}

/** Runs a tool and passes on what it prints, line by line, since two may run at once. */
function run(name: string, tool: string, args: readonly string[]): Promise<number> {
  process.stdout.write(`${name}\n`)
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const child = spawn(join(bin, tool), args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface(child.stdout).on('line', (line) => process.stdout.write(`${line}\n`))
    createInterface(child.stderr).on('line', (line) => process.stderr.write(`${line}\n`))
    child.once('error', () => resolve(1))
    child.once('close', (code) => {
      process.stdout.write(`${name} took ${Math.round((performance.now() - startedAt) / 1_000)} s\n`)
      resolve(code ?? 1)
    })
  })
}

function readReport(path: string): Report {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}
