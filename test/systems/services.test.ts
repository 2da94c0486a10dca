import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePorts } from '#deploy/local/ports.ts'
import { runningPid } from '#deploy/local/process.ts'
import { type ServiceName, serviceNames, startServices, stopServices } from '#deploy/services.ts'
import { setUp } from '#deploy/setup.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { RUN_DIR } from '#test/helpers/engines.ts'
import { HURRIED, PEPPER } from '#test/helpers/system.ts'

type StartOptions = Parameters<typeof startServices>[0]

/** What services that nothing else uses are started with; they end with the test. */
async function prepare(): Promise<StartOptions> {
  const shared = process.env[RUN_DIR]
  const addresses = engineAddresses()
  await Promise.all([setUp(addresses), shared === undefined ? [] : stopServices(shared)])
  const dir = mkdtempSync(join(tmpdir(), 'tallygate-services-'))
  onTestFinished(async () => {
    await stopServices(dir)
    rmSync(dir, { recursive: true, force: true })
  })
  const [api = 0, admin = 0, consumers = 0] = await freePorts(3)
  return { dir, addresses, pepper: PEPPER, ports: { api, admin, consumers }, settings: HURRIED }
}

/** Starts services, and names those that did not run on. */
async function started(options: StartOptions): Promise<readonly ServiceName[]> {
  const before = serviceNames.map((name) => runningPid(options.dir, name))
  await startServices(options)
  return serviceNames.filter((name, index) => runningPid(options.dir, name) !== before[index])
}

/** A setting that a process was really started with. */
function settingOf({ dir }: StartOptions, name: ServiceName, setting: string): string | undefined {
  const lines = readFileSync(`/proc/${runningPid(dir, name)}/environ`, 'utf8').split('\0')
  return lines.find((line) => line.startsWith(`${setting}=`))?.slice(setting.length + 1)
}

test('services: with the same settings they run on; with another address, port or setting those that have it start anew', async () => {
  const first = await prepare()
  expect(await started(first)).toEqual(['api', 'consumers'])
  expect(await started(first)).toEqual([])

  const redis = new URL('/0', first.addresses.redis).href
  const moved = { ...first, addresses: { ...first.addresses, redis } }
  expect(await started(moved)).toEqual(['api', 'consumers'])
  for (const name of serviceNames) expect(settingOf(moved, name, 'REDIS_URL')).toBe(redis)

  const [admin = 0] = await freePorts(1)
  const elsewhere = { ...moved, ports: { ...moved.ports, admin } }
  expect(await started(elsewhere)).toEqual(['api'])
  expect((await fetch(`http://127.0.0.1:${admin}/readyz`)).status).toBe(200)

  process.env['SNAPSHOT_EVERY_MS'] = '50000'
  onTestFinished(() => {
    delete process.env['SNAPSHOT_EVERY_MS']
  })
  expect(await started(elsewhere)).toEqual(['consumers'])
  expect(settingOf(elsewhere, 'consumers', 'SNAPSHOT_EVERY_MS')).toBe('50000')
  expect(await started(elsewhere)).toEqual([])
})

test('services: one that was started before its settings were kept starts anew; no setting is kept in clear text', async () => {
  const options = await prepare()
  await startServices(options)
  const path = join(options.dir, 'pids', 'consumers.pid')
  const kept = readFileSync(path, 'utf8')
  for (const secret of [PEPPER, options.addresses.mongo]) expect(kept).not.toContain(secret)
  const { settingsHash: _, ...before } = JSON.parse(kept)
  writeFileSync(path, JSON.stringify(before))
  expect(await started(options)).toEqual(['consumers'])
})
