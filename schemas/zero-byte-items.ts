import type avro from 'avsc'

/**
 * Whether a type allows an array of items that take no bytes.
 *
 * Eight bytes could then decode to millions of items: such a schema is refused (engines.md, "Avro"). A map's
 * key takes a byte at least, so only arrays are at risk. Names are those that the parsed type has resolved.
 */
export function hasZeroByteItems(type: avro.Type): boolean {
  return visit(type, new Set())
}

function visit(type: avro.Type, seen: Set<avro.Type>): boolean {
  if (seen.has(type)) return false
  seen.add(type)
  if (isArray(type) && takesNoBytes(type.itemsType, new Set())) return true
  return partsOf(type).some((part) => visit(part, seen))
}

/** A record that holds itself takes bytes, if only to say that it does not go on. */
function takesNoBytes(type: avro.Type, within: ReadonlySet<avro.Type>): boolean {
  if (within.has(type)) return false
  if (type.typeName === 'null') return true
  if (type.typeName === 'fixed') return Reflect.get(type, 'size') === 0
  if (!isRecordType(type)) return false
  const inside = new Set(within).add(type)
  return type.fields.every((field) => takesNoBytes(field.type, inside))
}

function partsOf(type: avro.Type): readonly avro.Type[] {
  if (isArray(type)) return [type.itemsType]
  if (type.typeName === 'map') return [(type as avro.types.MapType).valuesType]
  if (isRecordType(type)) return type.fields.map((field) => field.type)
  return type.typeName.startsWith('union') ? [...(type as avro.types.UnwrappedUnionType).types] : []
}

function isArray(type: avro.Type): type is avro.types.ArrayType {
  return type.typeName === 'array'
}

function isRecordType(type: avro.Type): type is avro.types.RecordType {
  return type.typeName === 'record' || type.typeName === 'error'
}
