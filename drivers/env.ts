import type { Static, TProperties, Type } from 'typebox'
import { TallygateError } from '#core/errors.ts'
import { isOptional } from './json-schema.ts'

/**
 * Settings of one driver or process by their environment names; each has mostly a default, and a description that says what
 * to set it to.
 */
export type EnvFragment = TProperties

/** What is wrong with settings that are right one by one: a sentence each that begins with the name of one. */
export type EnvRule<Settings> = (settings: Settings) => readonly string[]

/** The settings of a fragment as they were read. */
type Settings<Fragment extends EnvFragment> = Static<ReturnType<typeof Type.Object<Fragment>>>

/**
 * Reads settings from an environment, all problems at once; rules judge what is right one by one.
 *
 * Throws `invalid_config`; the message names each setting with what is wrong and what it should be, never its value, which
 * may be a secret.
 */
export function readEnv<Fragment extends EnvFragment>(
  fragment: Fragment,
  env: Readonly<Record<string, string | undefined>>,
  rules: readonly EnvRule<Settings<Fragment>>[] = [],
): Settings<Fragment> {
  const read = Object.entries(fragment).map(([name, schema]) => readSetting(name, schema, env[name]))
  const faults = read.flatMap((one) => one.faults)
  const values = read.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]))
  const settings = Object.fromEntries(values) as Settings<Fragment>
  const problems = faults.length === 0 ? rules.flatMap((rule) => rule(settings)) : faults
  if (problems.length === 0) return settings
  throw new TallygateError('invalid_config', `the environment is not usable: ${problems.join('; ')}`, {
    problems,
  })
}

/** What a schema of a setting may say; settings are texts, numbers and truths, nothing nested. */
interface SettingSchema {
  readonly type?: string
  readonly default?: unknown
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly pattern?: string
}

interface ReadSetting {
  readonly name: string
  /** Undefined for one that was left out, or is not right. */
  readonly value: unknown
  readonly faults: readonly string[]
}

/** An empty text is a setting that was left out: so Compose and Kubernetes write one. */
function readSetting(name: string, schema: EnvFragment[string], text: string | undefined): ReadSetting {
  const wanted: SettingSchema = schema
  const hint = wanted.description === undefined ? '' : ` (${wanted.description})`
  if (text === undefined || text === '') {
    const isMissing = wanted.default === undefined && !isOptional(schema)
    return { name, value: wanted.default, faults: isMissing ? [`${name} must be set${hint}`] : [] }
  }
  const value = toValue(text, wanted.type)
  const faults = value === undefined ? [`must be ${wanted.type}`] : faultsOf(value, wanted)
  return { name, value, faults: faults.map((fault) => `${name} ${fault}${hint}`) }
}

/** Undefined for a text that is nothing of a type. */
function toValue(text: string, type: string | undefined): string | number | boolean | undefined {
  switch (type) {
    case 'integer':
      return /^-?\d+$/.test(text.trim()) ? Number(text) : undefined
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined
    case 'boolean':
      return truths[text.trim().toLowerCase()]
    default:
      return text
  }
}

const truths: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

function faultsOf(value: string | number | boolean, wanted: SettingSchema): readonly string[] {
  const { minimum, maximum, minLength = 0, pattern } = wanted
  const faults: string[] = []
  if (typeof value === 'number' && minimum !== undefined && value < minimum)
    faults.push(`must be >= ${minimum}`)
  if (typeof value === 'number' && maximum !== undefined && value > maximum)
    faults.push(`must be <= ${maximum}`)
  if (typeof value === 'string' && value.length < minLength)
    faults.push(`must not have fewer than ${minLength} characters`)
  if (typeof value === 'string' && pattern !== undefined && !new RegExp(pattern, 'u').test(value))
    faults.push(`must match pattern "${pattern}"`)
  return faults
}
