/** Whether two values have the same content, whatever the order of their properties. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].every((key) => isEqual(Reflect.get(a, key), Reflect.get(b, key)))
}

/**
 * Whether two records have the same content as far as both have it: a field that one of them lacks, here or in a record
 * within, is one that its schema did not have. Lists are of one length.
 */
export function agree(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b) || Reflect.get(a, 'length') !== Reflect.get(b, 'length'))
    return false
  const both = Object.keys(a).filter((key) => Object.hasOwn(b, key))
  return both.every((key) => agree(Reflect.get(a, key), Reflect.get(b, key)))
}
