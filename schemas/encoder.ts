import type avro from 'avsc'
import { TallygateError } from '#core/errors.ts'
import { type RecordName, schemaText, typeOfSchema } from './records.ts'
import { prefixOf } from './wire-format.ts'

/** Writes a value of one record in the Confluent wire format. */
export type Encode = (value: object) => Buffer

/**
 * An encoder of a record under the id that the registry gave its schema.
 *
 * Optional fields may be left out. Encoding throws `invalid_request`, naming the field, for a value that the
 * schema does not allow.
 */
export function encoderOf(record: RecordName, schemaId: number): Encode {
  const type = typeOfSchema(schemaText(record))
  const prefix = prefixOf(schemaId)
  return (value) => {
    const whole = withDefaults(type, value)
    const fault = faultOf(type, whole)
    if (fault !== null) throw new TallygateError('invalid_request', `${record}: ${fault}`, { record })
    return Buffer.concat([prefix, type.toBuffer(whole)])
  }
}

/** What is wrong with a value for a record, null when the schema allows it. */
export function faultOfRecord(record: RecordName, value: object): string | null {
  const type = typeOfSchema(schemaText(record))
  return faultOf(type, withDefaults(type, value))
}

/** A value with every optional field that it leaves out, as readers of the record will see it. */
export function completeRecord(record: RecordName, value: object): object {
  return withDefaults(typeOfSchema(schemaText(record)), value)
}

function faultOf(type: avro.Type, value: object): string | null {
  const unknown = Object.keys(value).find((name) => fieldsOf(type).every((field) => field.name !== name))
  if (unknown !== undefined) return `${unknown} is not a field of it`
  const faults: string[] = []
  type.isValid(value, {
    errorHook: (path, found, expected) => {
      faults.push(`${path.join('.')} is ${JSON.stringify(found) ?? 'missing'}, not ${expected.toString()}`)
    },
  })
  return faults[0] ?? null
}

/** The value with every field that it leaves out and the schema has a default for, all the way down. */
function withDefaults(type: avro.Type, value: object): object {
  const fields = fieldsOf(type)
  const whole = fields.map((field): [string, unknown] => {
    const given: unknown = Reflect.get(value, field.name)
    const isNested = typeof given === 'object' && given !== null && !Array.isArray(given)
    const nested = isNested ? recordIn(field.type) : null
    if (given === undefined) return [field.name, field.defaultValue()]
    return [field.name, nested === null ? given : withDefaults(nested, given as object)]
  })
  return { ...value, ...Object.fromEntries(whole.filter(([, field]) => field !== undefined)) }
}

interface FieldOf {
  readonly name: string
  readonly type: avro.Type
  readonly defaultValue: () => unknown
}

function fieldsOf(type: avro.Type): readonly FieldOf[] {
  return Reflect.get(type, 'fields') ?? []
}

/** The record type behind a field: itself, or the one branch of a union. */
function recordIn(type: avro.Type): avro.Type | null {
  if (type.typeName === 'record') return type
  const branches: readonly avro.Type[] = Reflect.get(type, 'types') ?? []
  return branches.find(({ typeName }) => typeName === 'record') ?? null
}
