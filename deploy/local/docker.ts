import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EngineName, type EnginePorts, engineNames } from './engine.ts'
import { requireFree } from './ports.ts'
import { runCommand } from './run-command.ts'

const COMPOSE = new URL('../docker-compose.yml', import.meta.url).pathname

interface ComposeOptions {
  /** Where it is written down that containers are ours to stop and their volumes ours to remove. */
  readonly dir: string
  readonly wanted: readonly EngineName[]
  readonly ports: EnginePorts
  readonly report: (engine: EngineName, state: 'running' | 'starting' | 'ready') => void
}

/** Whether a Docker engine answers on this machine. */
export async function hasDocker(): Promise<boolean> {
  return Promise.race([
    runCommand('docker', ['info']).then(
      () => true,
      () => false,
    ),
    new Promise<false>((resolve) => setTimeout(() => resolve(false), 3_000).unref()),
  ])
}

/** Starts the official images on the same ports and waits until they are healthy. Throws where a port is taken. */
export async function composeUp({ dir, wanted, ports, report }: ComposeOptions): Promise<void> {
  const running = await runningServices()
  const missing = wanted.filter((name) => !running.includes(name))
  for (const name of missing) await requireFree(ports[name], portVariableOf(name))
  for (const name of missing) report(name, 'starting')
  writeMark(dir, 'running')
  await compose(['up', '-d', '--wait', ...wanted], composeEnv(ports))
  for (const name of wanted) report(name, missing.includes(name) ? 'ready' : 'running')
}

/** Stops the containers that were started from a directory; their volumes stay. Returns whether any were to be stopped. */
export async function composeDown(dir: string): Promise<boolean> {
  if (readMark(dir) !== 'running') return false
  await compose(['down'])
  writeMark(dir, 'stopped')
  return true
}

/** Stops the containers that were ever started from a directory, and removes their volumes. */
export async function composeRemove(dir: string): Promise<void> {
  if (readMark(dir) === null) return
  await compose(['down', '--volumes'])
  rmSync(markOf(dir))
}

async function runningServices(): Promise<readonly EngineName[]> {
  const services = (await compose(['ps', '--status', 'running', '--services'])).split('\n')
  return engineNames.filter((name) => services.includes(name))
}

function compose(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  return runCommand('docker', ['compose', '-f', COMPOSE, ...args], { env })
}

type Mark = 'running' | 'stopped'

const markOf = (dir: string): string => join(dir, 'compose')

function readMark(dir: string): Mark | null {
  if (!existsSync(markOf(dir))) return null
  return readFileSync(markOf(dir), 'utf8').trim() === 'running' ? 'running' : 'stopped'
}

function writeMark(dir: string, mark: Mark): void {
  mkdirSync(dir, { recursive: true })
  writeFileSync(markOf(dir), `${mark}\n`)
}

function composeEnv(ports: EnginePorts): Record<string, string> {
  return Object.fromEntries(engineNames.map((name) => [portVariableOf(name), String(ports[name])]))
}

const portVariableOf = (name: EngineName): string => `TALLYGATE_${name.toUpperCase()}_PORT`
