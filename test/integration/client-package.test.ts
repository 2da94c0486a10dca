import { existsSync, globSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type InstalledClient, installClient, runIn, tsc } from '#test/helpers/installed-client.ts'
import { findNode20 } from '#test/helpers/runtimes.ts'

const root = join(import.meta.dirname, '..', '..')
const node20 = findNode20()
let installed: InstalledClient
beforeAll(() => {
  installed = installClient()
})
afterAll(() => installed.remove())

const typed = `
import { type Decision, TallygateClient, TallygateClientError, UncommittedUseError } from 'tallygate-client'
import { gate as express } from 'tallygate-client/express'
import { gate, gates } from 'tallygate-client/fastify'

const tallygate = new TallygateClient<'leads' | 'ai_credits'>({
  url: 'http://localhost', key: 'k', cacheMs: 250, onUnavailable: { leads: 'allow' },
})
export async function ask(workspace: string): Promise<string> {
  const decision: Decision<'leads' | 'ai_credits'> = await tallygate.check({ workspace, feature: 'leads' })
  const work = await tallygate.withReservation({ workspace, items: [{ feature: 'ai_credits' }] }, () => 'text')
  try {
    return work.allowed ? work.value : decision.reason
  } catch (error) {
    if (error instanceof UncommittedUseError) return String(error.value)
    if (error instanceof TallygateClientError && error.code === 'not_found') return error.message
    throw error
  }
}
interface Visitor { readonly workspace: string }
const workspace = (visitor: Visitor): string => visitor.workspace
export const gated = [
  express(tallygate, { feature: 'leads', workspace }),
  gate(tallygate, { feature: 'leads', workspace }),
  gates(new TallygateClient({ url: 'http://localhost', key: 'k' }), { workspace }),
]
`
const wrong = `
import { TallygateClient } from 'tallygate-client'
const tallygate = new TallygateClient<'leads'>({ url: 'http://localhost', key: 'k' })
export const asked = tallygate.check({ workspace: 'acme', feature: 'lead' })
`

test.for([
  ['nodenext', 'nodenext'],
  ['bundler', 'esnext'],
] as const)(
  'types: strict, with moduleResolution %s; a feature that does not exist is refused',
  ([resolution, module]) => {
    const check = (text: string): string => {
      writeFileSync(join(installed.dir, 'typed.ts'), text)
      const strict = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--skipLibCheck', 'false']
      const how = ['--moduleResolution', resolution, '--module', module, '--target', 'es2022', '--types', '']
      return runIn(installed.dir, tsc, [...strict, ...how, 'typed.ts'])
    }
    check(typed)
    expect(() => check(wrong)).toThrow(/'"lead"' is not assignable to type '"leads"'/)
  },
)

test('types and code of the emitter, with its peers beside it', () => {
  for (const peer of ['kafkajs', 'avsc', '@types', 'undici-types']) {
    const path = join(installed.dir, 'node_modules', peer)
    if (!existsSync(path)) symlinkSync(join(root, 'node_modules', peer), path)
  }
  const text = `
import kafkajs from 'kafkajs'
import { UsageEmitter, UnsentEventError, type UsageEvent } from 'tallygate-client/events'
const emitter = new UsageEmitter({ kafka: new kafkajs.Kafka({ brokers: ['b:1'] }), source: 'crm', registry: {} })
const event: UsageEvent<'LeadEvent'> = emitter.event('LeadEvent', { workspace: 'acme', leadId: 'l', action: 'created' })
console.log(event.source, event.fields.action, UnsentEventError.name)
`
  writeFileSync(join(installed.dir, 'emit.ts'), text)
  const how = ['--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--skipLibCheck']
  runIn(installed.dir, tsc, ['--strict', ...how, 'emit.ts'])
  for (const node of [process.execPath, ...(node20 === null ? [] : [node20])])
    expect(runIn(installed.dir, node, ['emit.js'])).toBe('crm created UnsentEventError\n')
})

test('browsers: outside the emitter nothing is imported but the package itself, and no global of Node is used', () => {
  const dist = join(installed.packageDir, 'dist')
  const files = globSync('**/*.js', { cwd: dist }).filter((file) => !/^events(\/|\.)/.test(file))
  expect(files).toContain('client.js')
  for (const file of files) {
    const text = readFileSync(join(dist, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
    const imported = [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map(
      ([, name = '']) => name,
    )
    expect(
      imported.filter((name) => !name.startsWith('./')),
      file,
    ).toEqual([])
    expect(text, file).not.toMatch(/\b(process|Buffer|require|__dirname|setImmediate)\b/)
  }
})

test('the package holds what it exports and nothing else', () => {
  const { packageDir } = installed
  const manifest = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'))
  const files = Object.values<string | { types: string; default: string }>(manifest.exports).flatMap(
    (target) => (typeof target === 'string' ? [target] : [target.types, target.default]),
  )
  expect(files.filter((file) => !existsSync(join(packageDir, file)))).toEqual([])
  const held = globSync('**/*', { cwd: packageDir })
  expect(held.filter((path) => /\.test\.|(?<!\.d)\.ts$|\.tgz$/.test(path))).toEqual([])
  expect(readFileSync(join(packageDir, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'))
  expect(manifest.dependencies).toBeUndefined()
})
