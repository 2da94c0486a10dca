import { type Static, type TProperties, Type } from 'typebox'
import { Value } from 'typebox/value'
import { TallygateError } from '#core/errors.ts'

/**
 * Settings of one driver or process by their environment names; each has mostly a default, and a description that says what
 * to set it to.
 */
export type EnvFragment = TProperties

/** What is wrong with settings that are right one by one: a sentence each that begins with the name of one. */
export type EnvRule<Settings> = (settings: Settings) => readonly string[]

/**
 * Reads settings from an environment, all problems at once; rules judge what is right one by one.
 *
 * Throws `invalid_config`; the message names each setting with what is wrong and what it should be, never its value, which
 * may be a secret.
 */
export function readEnv<Fragment extends EnvFragment>(
  fragment: Fragment,
  env: Readonly<Record<string, string | undefined>>,
  rules: readonly EnvRule<Static<ReturnType<typeof Type.Object<Fragment>>>>[] = [],
): Static<ReturnType<typeof Type.Object<Fragment>>> {
  const schema = Type.Object(fragment)
  const stated = Object.keys(fragment).flatMap((name) => {
    const value = env[name]
    return value === undefined || value === '' ? [] : [[name, value]]
  })
  const settings = Value.Convert(schema, Value.Default(schema, Object.fromEntries(stated)))
  const isOfSchema = Value.Check(schema, settings)
  const problems = isOfSchema ? rules.flatMap((rule) => rule(settings)) : faultsOf(schema, settings)
  if (isOfSchema && problems.length === 0) return settings
  throw new TallygateError('invalid_config', `the environment is not usable: ${problems.join('; ')}`, {
    problems,
  })
}

function faultsOf(schema: ReturnType<typeof Type.Object>, settings: unknown): readonly string[] {
  const faults = [...Value.Errors(schema, settings)].flatMap(({ instancePath, message, params }) => {
    const missing: unknown = Reflect.get(params, 'requiredProperties')
    if (Array.isArray(missing)) return missing.map((name) => `${name} must be set${hint(schema, name)}`)
    const name = instancePath.slice(1)
    return [`${name} ${message}${hint(schema, name)}`]
  })
  return [...new Set(faults)]
}

function hint({ properties }: ReturnType<typeof Type.Object>, name: string): string {
  const description: unknown = Reflect.get(properties[name] ?? {}, 'description')
  return typeof description === 'string' ? ` (${description})` : ''
}
