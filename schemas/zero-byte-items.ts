/**
 * Whether a schema allows an array or map of items that take no bytes.
 *
 * Eight bytes could then decode to millions of items: such a schema is refused (engines.md, "Avro"). A map's
 * key takes a byte at least, so only arrays are at risk.
 */
export function hasZeroByteItems(schema: unknown): boolean {
  return visit(schema, new Map())
}

type Named = Map<string, unknown>

function visit(schema: unknown, named: Named): boolean {
  if (Array.isArray(schema)) return schema.some((branch) => visit(branch, named))
  if (!isRecord(schema)) return false
  const { type, name } = schema
  if (typeof name === 'string') named.set(name, schema)
  if (type === 'array') return takesNoBytes(schema['items'], named) || visit(schema['items'], named)
  if (type === 'map') return visit(schema['values'], named)
  if (type === 'record' || type === 'error') return fieldsOf(schema).some((field) => visit(field, named))
  return isRecord(type) || Array.isArray(type) ? visit(type, named) : false
}

function takesNoBytes(schema: unknown, named: Named): boolean {
  if (schema === 'null') return true
  if (typeof schema === 'string') return named.has(schema) && takesNoBytes(named.get(schema), new Map())
  if (!isRecord(schema)) return false
  const { type, name } = schema
  if (typeof name === 'string') named.set(name, schema)
  if (type === 'null') return true
  if (type === 'fixed') return schema['size'] === 0
  if (type === 'record' || type === 'error')
    return fieldsOf(schema).every((field) => takesNoBytes(field, named))
  return isRecord(type) ? takesNoBytes(type, named) : false
}

function fieldsOf(schema: Record<string, unknown>): readonly unknown[] {
  const fields = schema['fields']
  return Array.isArray(fields) ? fields.map((field) => (isRecord(field) ? field['type'] : null)) : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
