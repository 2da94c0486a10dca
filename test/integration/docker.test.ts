import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { composeRemove } from '#deploy/local/docker.ts'
import { type EngineStep, startEngines, stopEngines } from '#deploy/local/engines.ts'
import { freePorts } from '#deploy/local/ports.ts'

/**
 * A program that goes by the name of Docker, writes down what it is asked, and has as running what was started last.
 *
 * What the real one makes of these commands is its own matter; which are given, and when, is ours.
 */
const FAKE = `#!/bin/sh
cd "$(dirname "$0")"
case "$*" in
  info) ;;
  *" ps "*) cat running 2>/dev/null ;;
  *) echo "$*" | sed 's/compose -f [^ ]*docker-compose.yml //' >> asked ;;
esac
case "$*" in
  *" up "*) printf 'kafka\\nregistry\\nredis\\nmongo\\n' > running ;;
  *" down"*) rm -f running ;;
esac
`

interface Rig {
  readonly dir: string
  readonly asked: () => readonly string[]
  readonly start: (redis?: number) => Promise<readonly string[]>
}

async function withFakeDocker(): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-docker-'))
  writeFileSync(join(dir, 'docker'), FAKE)
  chmodSync(join(dir, 'docker'), 0o755)
  const path = process.env['PATH']
  process.env['PATH'] = `${dir}:${path}`
  onTestFinished(() => {
    process.env['PATH'] = path
    rmSync(dir, { recursive: true, force: true })
  })
  const [kafka = 0, controller = 0, registry = 0, mongo = 0, free = 0] = await freePorts(5)
  const start = async (redis = free): Promise<readonly string[]> => {
    const steps: EngineStep[] = []
    const ports = { kafka, controller, registry, mongo, redis }
    await startEngines({ dir, ports, env: {}, allowDocker: true, report: (step) => steps.push(step) })
    return steps.filter(({ engine }) => engine === 'redis').map(({ state }) => state)
  }
  const log = join(dir, 'asked')
  return { dir, start, asked: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []) }
}

test('docker: images are started with a line for each step, stopped with their data kept, and removed with it', async () => {
  const { dir, start, asked } = await withFakeDocker()
  expect(await start()).toEqual(['starting', 'ready'])
  expect(await start()).toEqual(['running'])
  expect(await stopEngines(dir)).toEqual(['kafka', 'registry', 'redis', 'mongo'])
  expect(await stopEngines(dir)).toEqual([])
  await composeRemove(dir)
  await composeRemove(dir)
  const up = 'up -d --wait kafka registry redis mongo'
  expect(asked()).toEqual([up, up, 'down', 'down --volumes'])
})

test('docker: a port that somebody else has is named before anything is started', async () => {
  const { asked, start } = await withFakeDocker()
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  const taken = typeof address === 'object' && address !== null ? address.port : 0
  await expect(start(taken)).rejects.toThrow(/is taken by pid .*set TALLYGATE_REDIS_PORT/)
  expect(asked()).toEqual([])
})

test('docker: containers that were not started here are left alone', async () => {
  const { dir, asked } = await withFakeDocker()
  expect(await stopEngines(dir)).toEqual([])
  await composeRemove(dir)
  expect(asked()).toEqual([])
})
