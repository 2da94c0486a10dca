import type avro from 'avsc'
import { TallygateError } from '#core/errors.ts'
import { parseInstant } from '#core/instant.ts'
import { VALUE_BYTES_MAX } from './decoder.ts'
import { type RecordName, schemaText, typeOfSchema } from './records.ts'
import { PREFIX_BYTES, prefixOf } from './wire-format.ts'

/** What is longer is laid out in a buffer of its own. */
const SCRATCH_BYTES = 16_384

/** Writes a value of one record in the Confluent wire format. */
export type Encode = (value: object) => Buffer

/**
 * An encoder of a record under the id that the registry gave its schema.
 *
 * Optional fields may be left out. Encoding throws `invalid_request`, naming the field, for a value that the
 * schema does not allow.
 */
export function encoderOf(record: RecordName, schemaId: number): Encode {
  const type = typeOf(record)
  const known = new Set(fieldsOf(type).map(({ name }) => name))
  const scratch = Buffer.alloc(SCRATCH_BYTES)
  prefixOf(schemaId).copy(scratch)
  return (value) => {
    const whole = withDefaults(type, value)
    const isValid = fits(type, whole) && Object.keys(value).every((name) => known.has(name))
    const fault = isValid ? null : faultOf(type, whole)
    if (fault !== null) throw new TallygateError('invalid_request', `${record}: ${fault}`, { record })
    const end = type.encode(whole, scratch, PREFIX_BYTES)
    if (end >= 0) return Buffer.from(scratch.subarray(0, end))
    return Buffer.concat([scratch.subarray(0, PREFIX_BYTES), type.toBuffer(whole)])
  }
}

/** What is wrong with a value for a record, null when the schema allows it. */
export function faultOfRecord(record: RecordName, value: object): string | null {
  const type = typeOf(record)
  return faultOf(type, withDefaults(type, value))
}

/** Why the consumers would not read a value that fits its schema, null when they will. */
export function faultOfSize(record: RecordName, value: object): string | null {
  const type = typeOf(record)
  const bytes = PREFIX_BYTES + type.toBuffer(withDefaults(type, value)).length
  if (bytes <= VALUE_BYTES_MAX) return null
  return `too_large: its record has ${bytes} bytes; at most ${VALUE_BYTES_MAX} are read`
}

/** A value with every optional field that it leaves out, as readers of the record will see it. */
export function completeRecord(record: RecordName, value: object): object {
  return withDefaults(typeOf(record), value)
}

const types = new Map<RecordName, avro.Type>()

/** The type of a record as it is written, read from its file once. */
function typeOf(record: RecordName): avro.Type {
  const known = types.get(record)
  if (known !== undefined) return known
  const type = typeOfSchema(schemaText(record))
  types.set(record, type)
  return type
}

function faultOf(type: avro.Type, value: object): string | null {
  const unknown = Object.keys(value).find((name) => fieldsOf(type).every((field) => field.name !== name))
  if (unknown !== undefined) return `${unknown} is not a field of it`
  const faults: string[] = []
  const fault = (name: string, found: unknown, expected: avro.Type): string =>
    `${name} is ${JSON.stringify(found) ?? 'missing'}, ${isNoTime(found) ? 'a time that does not exist' : `not ${expected.toString()}`}`
  const isFound = fits(type, value, {
    errorHook: (path, found, expected) => void faults.push(fault(path.join('.'), found, expected)),
  })
  if (isFound || faults.length > 0) return faults[0] ?? null
  const odd = fieldsOf(type).find((field) => !fits(field.type, Reflect.get(value, field.name)))
  return odd === undefined ? 'its value is not one' : fault(odd.name, Reflect.get(value, odd.name), odd.type)
}

function isNoTime(found: unknown): boolean {
  return typeof found === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(found) && parseInstant(found) === null
}

/** Whether a schema allows a value. An enumeration asks for a value's text, which an object made by a caller may refuse to have. */
function fits(type: avro.Type, value: unknown, options?: Parameters<avro.Type['isValid']>[1]): boolean {
  try {
    return type.isValid(value, options)
  } catch {
    return false
  }
}

/** The value with every field that it leaves out and the schema has a default for, all the way down. */
function withDefaults(type: avro.Type, value: object): object {
  const whole: Record<string, unknown> = { ...value }
  for (const { name, nested, defaultValue } of knownFieldsOf(type)) {
    const given = whole[name]
    if (given === undefined) {
      const field = defaultValue()
      if (field !== undefined) whole[name] = field
    } else if (nested !== null && typeof given === 'object' && given !== null && !Array.isArray(given))
      whole[name] = withDefaults(nested, given)
  }
  return whole
}

/** A field, with the record that is in it, if any. */
interface KnownField {
  readonly name: string
  readonly nested: avro.Type | null
  readonly defaultValue: () => unknown
}

const knownFields = new WeakMap<avro.Type, readonly KnownField[]>()

function knownFieldsOf(type: avro.Type): readonly KnownField[] {
  const known = knownFields.get(type)
  if (known !== undefined) return known
  const fields = fieldsOf(type).map((field): KnownField => {
    const defaultValue = (): unknown => field.defaultValue()
    return { name: field.name, nested: recordIn(field.type), defaultValue }
  })
  knownFields.set(type, fields)
  return fields
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
