import type { Type as TypeBox } from 'typebox'

/** What of TypeBox is used here. */
type Builders = Pick<
  typeof TypeBox,
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
>

type Options = Readonly<Record<string, unknown>>

/** Marks a property that may be left out; no key, so that nobody who reads a schema meets it. */
const OPTIONAL = Symbol('optional')

/** Whether a property of a schema may be left out. */
export function isOptional(schema: object): boolean {
  return Reflect.get(schema, OPTIONAL) === true
}

const ofType =
  (type: string) =>
  (options: Options = {}) => ({ type, ...options })

const builders = {
  Array: (items: object, options: Options = {}) => ({ type: 'array', items, ...options }),
  Boolean: ofType('boolean'),
  Enum: (values: readonly unknown[], options: Options = {}) => ({ enum: [...values], ...options }),
  Integer: ofType('integer'),
  Null: ofType('null'),
  Number: ofType('number'),
  Object: (properties: Readonly<Record<string, object>>, options: Options = {}) => {
    const required = Object.keys(properties).filter((name) => !isOptional(properties[name] ?? {}))
    return { type: 'object', ...(required.length === 0 ? {} : { required }), properties, ...options }
  },
  Optional: (schema: object) => Object.defineProperty({ ...schema }, OPTIONAL, { value: true }),
  Record: ({ pattern = '^.*$' }: { readonly pattern?: string }, value: object, options: Options = {}) => ({
    type: 'object',
    patternProperties: { [pattern]: value },
    ...options,
  }),
  String: ofType('string'),
  Union: (anyOf: readonly object[], options: Options = {}) => ({ anyOf: [...anyOf], ...options }),
  Unknown: (options: Options = {}) => ({ ...options }),
} satisfies Record<keyof Builders, (...given: never[]) => object>

/**
 * Writes JSON Schemas as TypeBox does, with its types: `Static` of it says what a value of a schema is.
 *
 * TypeBox itself is 370 modules, a quarter of what a process of ours takes to start, and all that is needed of it when a
 * process runs is these literals (ADR 0022).
 */
export const Type: Builders = builders as unknown as Builders
