import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Types, lint, then every Vitest project; each check counts as a test. Ends with `N passed, N failed`. */
const bin = join(import.meta.dirname, '..', 'node_modules', '.bin')
const scratch = mkdtempSync(join(tmpdir(), 'tallygate-run-'))
const report = join(scratch, 'report.json')

const types = await run('types', 'tsc', ['-p', 'tsconfig.json'])
const lint = await run('lint', 'biome', ['check', '.'])
const tests = await run('tests', 'vitest', [
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
])

const { numPassedTests = 0, numFailedTests = 0 } = readReport()
const checks = [types, lint]
const failedChecks = checks.filter((code) => code !== 0).length
const isUnexplained = tests !== 0 && numFailedTests === 0
const passed = numPassedTests + checks.length - failedChecks
const failed = numFailedTests + failedChecks + (isUnexplained ? 1 : 0)
rmSync(scratch, { recursive: true, force: true })
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

function run(name: string, tool: string, args: readonly string[]): Promise<number> {
  process.stdout.write(`${name}\n`)
  return new Promise((resolve) => {
    const child = spawn(join(bin, tool), args, { stdio: 'inherit' })
    child.once('error', () => resolve(1))
    child.once('close', (code) => resolve(code ?? 1))
  })
}

function readReport(): { numPassedTests?: number; numFailedTests?: number } {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return {}
  }
}
