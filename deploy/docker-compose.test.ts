import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { apiEnv } from '#api/config.ts'
import { consumersEnv } from '#consumers/config.ts'
import { readEnv } from '#drivers/env.ts'
import { engineNames } from './local/engine.ts'
import { fixedPorts } from './local/engines.ts'
import { KAFKA_VERSION } from './local/kafka.ts'
import { redisSettings } from './local/redis.ts'
import { setupEnv } from './setup.ts'

interface Service {
  readonly image: string
  readonly ports: readonly string[]
  readonly command?: readonly string[]
  readonly profiles?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly volumes?: readonly string[]
  readonly read_only?: boolean
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
}

const text = readFileSync(new URL('./docker-compose.yml', import.meta.url), 'utf8')
const parsed = parse(text, { merge: true }) as { services: Readonly<Record<string, Service>> }
const services = Object.fromEntries(
  Object.entries(parsed.services).filter(([, { profiles }]) => profiles === undefined),
)
const apps = Object.fromEntries(
  Object.entries(parsed.services).filter(([, { profiles }]) => profiles !== undefined),
)

test('compose has the four engines, each with a pinned image and a health check', () => {
  expect(Object.keys(services).toSorted()).toEqual([...engineNames].toSorted())
  for (const [name, { image, healthcheck }] of Object.entries(services)) {
    expect(image, name).toMatch(/:[\w.]+$/)
    expect(image, name).not.toContain(':latest')
    expect(healthcheck?.test.length, name).toBeGreaterThan(1)
  }
  expect(services['kafka']?.image, 'the version that all tests run').toBe(`apache/kafka:${KAFKA_VERSION}`)
})

test('compose listens on loopback, on the ports of make up', () => {
  const ports = fixedPorts({})
  for (const name of engineNames) {
    const variable = `TALLYGATE_${name.toUpperCase()}_PORT`
    expect(services[name]?.ports[0], name).toMatch(
      new RegExp(`^127\\.0\\.0\\.1:\\$\\{${variable}:-${ports[name]}\\}:`),
    )
  }
})

test('compose keeps the log of Kafka on the volume that outlives the container', () => {
  const { volumes, environment } = services['kafka'] ?? {}
  expect(volumes).toEqual([`kafka:${environment?.['KAFKA_LOG_DIRS']}`])
})

test('compose runs Redis with the very settings of the local process', () => {
  expect(services['redis']?.command?.slice(1)).toEqual(redisSettings)
})

test('compose: the first key can be made in the service that the page names, with the pepper that was kept', () => {
  const page = readFileSync(new URL('../docs/deploy.md', import.meta.url), 'utf8')
  const [, service = ''] = /run --rm (\w+) cli\/main\.ts key create/.exec(page) ?? []
  const { environment = {} } = apps[service] ?? {}
  expect(Object.keys(environment)).toEqual(expect.arrayContaining(['MONGODB_URL', 'TALLYGATE_KEY_PEPPER']))
  expect(page).toContain('umask 077')
  expect(`${text}${page}`).not.toContain('TALLYGATE_KEY_PEPPER=$(openssl')
})

test('compose has Tallygate itself behind a profile, with settings that each process accepts, and set up first', () => {
  const accepted = { api: apiEnv, consumers: consumersEnv, setup: setupEnv }
  expect(Object.keys(apps).toSorted()).toEqual(Object.keys(accepted).toSorted())
  for (const [name, settings] of Object.entries(accepted)) {
    const { environment = {}, command, profiles, depends_on: needed = {}, ...app } = apps[name] ?? {}
    expect(profiles, name).toEqual(['app'])
    expect(app, name).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
    expect(existsSync(new URL(`../${command?.[0]}`, import.meta.url)), name).toBe(true)
    const pepper = { TALLYGATE_KEY_PEPPER: 'f3a91c07d25b846e'.repeat(2) }
    const env = Object.entries(environment).map(([key, value]) => [key, String(value)])
    expect(Object.keys(environment).filter((key) => !(key in settings))).toEqual([])
    expect(() => readEnv(settings, { ...Object.fromEntries(env), ...pepper }), name).not.toThrow()
    const first = name === 'setup' ? engineNames : ['setup']
    expect(Object.keys(needed).toSorted(), name).toEqual([...first].toSorted())
  }
})
