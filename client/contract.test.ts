import { readFileSync } from 'node:fs'
import type { Static } from 'typebox'
import { expect, test } from 'vitest'
import type * as api from '../api/schemas.ts'
import type * as use from '../api/use-schemas.ts'
import * as core from '../core/entitlement/decision.ts'
import type { Committed, Consumed, Reserved } from './answers.ts'
import { allowedReasons, type Decision, deniedReasons } from './decision.ts'

/** What the service answers, held against what this client says it answers; the compiler compares. */
type Served<Answer> = Omit<Answer, 'decisions' | 'id' | 'known' | 'cachedForMs'>

export const agrees = {
  decision: (given: Static<typeof api.decision>): Served<Decision> => given,
  consumed: (given: Static<typeof use.consumed>): Served<Consumed> => given,
  reserved: (given: Static<typeof use.reserved>): Served<Reserved> => given,
  committed: (given: Static<typeof use.committed>): Committed => given,
}

test('contract: the reasons are those of the service', () => {
  expect(allowedReasons).toEqual(core.allowedReasons)
  expect(deniedReasons).toEqual(core.deniedReasons)
})

test('contract: every field of a decision is one that the service states, or cachedForMs', () => {
  const { paths } = JSON.parse(readFileSync(new URL('../docs/openapi.json', import.meta.url), 'utf8'))
  const schema = paths['/v1/check'].post.responses['200'].content['application/json'].schema
  const text = readFileSync(new URL('./decision.ts', import.meta.url), 'utf8')
  const body = text.slice(
    text.indexOf('export interface Decision<'),
    text.indexOf('export interface Decisions'),
  )
  const stated = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name)
  expect(stated.toSorted()).toEqual([...Object.keys(schema.properties), 'cachedForMs'].toSorted())
})

test('package: the version is the one of the repository', () => {
  const versionOf = (path: string): string =>
    JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version
  expect(versionOf('./package.json')).toBe(versionOf('../package.json'))
})
