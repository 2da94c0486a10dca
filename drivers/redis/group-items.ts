/** Lays items out group by group, those of one group in the order in which they came; `sizes` has the items of each group. */
export function groupItems<Item>(
  items: readonly Item[],
  groups: readonly number[],
  sizes: readonly number[],
): readonly Item[] {
  const next = startsOf(sizes)
  const all = new Array<Item>(items.length)
  items.forEach((item, index) => {
    const group = groups[index] ?? 0
    const at = next[group] ?? 0
    all[at] = item
    next[group] = at + 1
  })
  return all
}

/** Runs of items, one after the other: where each ends, and its group. */
export interface Runs<Item> {
  readonly items: readonly Item[]
  readonly ends: readonly number[]
  readonly groups: readonly number[]
}

/** The same of runs, each of which stays together; `lengths` has the items of each group's runs. */
export function groupRuns<Item>(
  { items, ends, groups }: Runs<Item>,
  lengths: readonly number[],
): readonly Item[] {
  const next = startsOf(lengths)
  const all = new Array<Item>(items.length)
  let from = 0
  ends.forEach((end, run) => {
    const group = groups[run] ?? 0
    let at = next[group] ?? 0
    for (; from < end; from += 1) {
      all[at] = items[from] as Item
      at += 1
    }
    next[group] = at
  })
  return all
}

/** Where each group begins. */
function startsOf(sizes: readonly number[]): Int32Array {
  const starts = new Int32Array(sizes.length)
  let start = 0
  sizes.forEach((size, group) => {
    starts[group] = start
    start += size
  })
  return starts
}
