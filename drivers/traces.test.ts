import { globSync, readFileSync } from 'node:fs'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { openTraces } from './traces.ts'

const root = new URL('..', import.meta.url).pathname
const log = pino({ level: 'silent' })

test('traces: none where no address is set', async () => {
  expect(await openTraces({ OTEL_TRACES_SAMPLER_ARG: 1 }, { service: 'test', log })).toBeNull()
})

test('traces: OpenTelemetry is loaded by one file, and that one only where an address is set', () => {
  const sources = globSync('{core,schemas,drivers,consumers,api,cli,client,deploy}/**/*.ts', {
    cwd: root,
    exclude: ['**/node_modules', '**/*.test.ts'],
  }).map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') }))
  const naming = (what: RegExp): readonly string[] =>
    sources.filter(({ text }) => what.test(text)).map(({ path }) => path)
  expect(naming(/['"]@opentelemetry\//)).toEqual(['drivers/open-telemetry.ts'])
  expect(naming(/from ['"].*open-telemetry\.ts['"]/)).toEqual([])
  expect(naming(/await import\(['"]\.\/open-telemetry\.ts['"]\)/)).toEqual(['drivers/traces.ts'])
})
