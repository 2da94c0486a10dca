import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { engineNames } from './local/engine.ts'
import { fixedPorts } from './local/engines.ts'
import { redisSettings } from './local/redis.ts'

interface Service {
  readonly image: string
  readonly ports: readonly string[]
  readonly command?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}

const text = readFileSync(new URL('./docker-compose.yml', import.meta.url), 'utf8')
const { services } = parse(text) as { services: Readonly<Record<string, Service>> }

test('compose has the four engines, each with a pinned image and a health check', () => {
  expect(Object.keys(services).toSorted()).toEqual([...engineNames].toSorted())
  for (const [name, { image, healthcheck }] of Object.entries(services)) {
    expect(image, name).toMatch(/:[\w.]+$/)
    expect(image, name).not.toContain(':latest')
    expect(healthcheck?.test.length, name).toBeGreaterThan(1)
  }
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

test('compose runs Redis with the very settings of the local process', () => {
  expect(services['redis']?.command?.slice(1)).toEqual(redisSettings)
})
