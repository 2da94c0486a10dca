import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PythonWith, pythonWith } from '#test/helpers/python.ts'

const requirements = join(import.meta.dirname, 'requirements.txt')
const settings = join(import.meta.dirname, 'schemathesis.toml')
const hooks = join(import.meta.dirname, 'judge_unavailable.py')

/** Installs Schemathesis once; a reason instead where that cannot be. */
export function findSchemathesis(): Promise<PythonWith> {
  return pythonWith('schemathesis', requirements)
}

interface FuzzOptions {
  readonly python: string
  readonly api: string
  readonly key: string
  readonly seed: number
  /** Requests of an operation at most, in the random phase. */
  readonly examples: number
  /** `coverage` goes through the bounds of each schema, `fuzzing` is random. */
  readonly phases: 'coverage,fuzzing' | 'fuzzing'
}

/** What a run printed, and how many requests it made; a code other than 0 says that an answer was wrong. */
export interface Fuzzed {
  readonly code: number
  readonly requests: number
  readonly output: string
}

/** Sends requests made from the contract and judges each answer by it. */
export async function fuzzContract({ python, api, key, ...how }: FuzzOptions): Promise<Fuzzed> {
  const cwd = mkdtempSync(join(tmpdir(), 'tallygate-fuzz-'))
  const bounds = ['--max-examples', String(how.examples), '--seed', String(how.seed), '--phases', how.phases]
  const target = [`${api}/openapi.json`, '-H', `Authorization: Bearer ${key}`]
  const command = ['-m', 'schemathesis.cli', '--config-file', settings, '--no-color', 'run', ...target]
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(python, [...command, ...bounds], {
        cwd,
        env: { ...process.env, SCHEMATHESIS_HOOKS: hooks },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      const keep = (chunk: Buffer): void => {
        output += chunk.toString()
      }
      child.stdout.on('data', keep)
      child.stderr.on('data', keep)
      child.once('error', reject)
      child.once('close', (code) => {
        const requests = Number(/(\d+) generated/.exec(output)?.[1] ?? 0)
        resolve({ code: code ?? -1, requests, output: output.slice(-6_000) })
      })
    })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}
