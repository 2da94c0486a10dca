import { type Static, type TProperties, Type } from 'typebox'
import { Value } from 'typebox/value'
import { TallygateError } from '#core/errors.ts'

/** Settings of one driver or process by their environment names; each has a description and mostly a default. */
export type EnvFragment = TProperties

/**
 * Reads settings from an environment, all problems at once.
 *
 * Throws `invalid_config`; the message names each setting with what is wrong, never its value, which may be a
 * secret.
 */
export function readEnv<Fragment extends EnvFragment>(
  fragment: Fragment,
  env: Readonly<Record<string, string | undefined>>,
): Static<ReturnType<typeof Type.Object<Fragment>>> {
  const schema = Type.Object(fragment)
  const stated = Object.keys(fragment).flatMap((name) => {
    const value = env[name]
    return value === undefined || value === '' ? [] : [[name, value]]
  })
  const settings = Value.Convert(schema, Value.Default(schema, Object.fromEntries(stated)))
  if (Value.Check(schema, settings)) return settings
  const problems = [...Value.Errors(schema, settings)].map(({ instancePath, message, params }) => {
    const missing: unknown = Reflect.get(params, 'requiredProperties')
    const name = Array.isArray(missing) ? missing.join(', ') : instancePath.slice(1)
    return `${name} ${message}`
  })
  throw new TallygateError('invalid_config', `the environment is not usable: ${problems.join('; ')}`, {
    problems,
  })
}
