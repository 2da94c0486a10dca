import type avro from 'avsc'
import { parseInstant } from '#core/instant.ts'
import { type RecordName, schemaText, typeOfSchema } from './records.ts'

/**
 * Turns JSON as people write it into a record's value: ISO times become epoch milliseconds.
 *
 * One that does not exist stays a text, which no schema allows and the encoder names.
 */
export function fromJson(record: RecordName, value: unknown): unknown {
  return convert(typeOfSchema(schemaText(record)), value)
}

const ISO = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/

function convert(type: avro.Type, value: unknown): unknown {
  switch (type.typeName) {
    case 'long':
      return typeof value === 'string' && ISO.test(value) ? (parseInstant(value) ?? value) : value
    case 'union:unwrapped':
      return value === null || value === undefined ? value : convert(branchOf(type), value)
    case 'array':
      return Array.isArray(value) ? value.map((item) => convert(Reflect.get(type, 'itemsType'), item)) : value
    case 'map':
      return mapValues(value, () => Reflect.get(type, 'valuesType'))
    case 'record': {
      const fields: readonly { name: string; type: avro.Type }[] = Reflect.get(type, 'fields')
      return mapValues(value, (name) => fields.find((field) => field.name === name)?.type)
    }
    default:
      return value
  }
}

/** Our unions are null or one other type. */
function branchOf(type: avro.Type): avro.Type {
  const branches: readonly avro.Type[] = Reflect.get(type, 'types')
  return branches.find(({ typeName }) => typeName !== 'null') ?? type
}

function mapValues(value: unknown, typeOf: (name: string) => avro.Type | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, item]) => {
    const type = typeOf(name)
    return [name, type === undefined ? item : convert(type, item)]
  })
  return Object.fromEntries(entries)
}
