import avro from 'avsc'

/** What avsc reads from, as far as it is of use here; it does not declare it. */
interface Tap {
  readonly buf: Buffer
  pos: number
  readonly readLong: () => number
  readonly skipLong: () => void
  readonly readString: () => string
  readonly _invalidate: () => void
}

interface Reads {
  readonly _read: (tap: Tap) => unknown
}

/**
 * Makes avsc believe no count of a block that its bytes cannot hold.
 *
 * As it comes, it makes as many items as a block says it has and looks afterwards whether the bytes ended: 22 bytes made
 * it work for ever, 40 bytes took all memory (G12). An item takes a byte at least (`zero-byte-items.ts`), so a count above
 * what is left is a lie: the value ends too early. What the schema in use does not have is skipped through the same.
 */
export function boundBlocks(): void {
  Object.assign(avro.types.ArrayType.prototype, { _read: readArray, _skip: readArray })
  Object.assign(avro.types.MapType.prototype, { _read: readMap, _skip: readMap })
}

/** Items of the next block; 0 at the end, and where it lies. */
function blockSize(tap: Tap): number {
  let count = tap.readLong()
  if (count < 0) {
    count = -count
    tap.skipLong()
  }
  if (count <= tap.buf.length - tap.pos) return count
  tap._invalidate()
  return 0
}

function readArray(this: { readonly itemsType: Reads }, tap: Tap): unknown[] {
  const items: unknown[] = []
  for (let count = blockSize(tap); count > 0; count = blockSize(tap)) {
    for (; count > 0; count -= 1) items.push(this.itemsType._read(tap))
  }
  return items
}

function readMap(this: { readonly valuesType: Reads }, tap: Tap): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (let count = blockSize(tap); count > 0; count = blockSize(tap)) {
    for (; count > 0; count -= 1) {
      const key = tap.readString()
      values[key] = this.valuesType._read(tap)
    }
  }
  return values
}
