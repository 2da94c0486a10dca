/** Pairs of what Redis gives by turns: fields and values, members and scores. */
export function inPairs<Value>(flat: readonly Value[]): readonly (readonly [Value, Value])[] {
  return flat.flatMap((first, index) => {
    const second = flat[index + 1]
    return index % 2 === 0 && second !== undefined ? [[first, second] as const] : []
  })
}
