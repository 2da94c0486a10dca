/** Whether a shard holds no half of a call that Redis kept since the shard's life began (ADR 0009). */
export function isWhole(meta: Readonly<Record<string, string | null | undefined>>): boolean {
  return (meta['half'] ?? '0') === (meta['born'] ?? '0')
}
