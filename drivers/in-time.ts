/**
 * Settles as work does, or rejects with what `late` makes once so many milliseconds have passed; the work goes on.
 *
 * An answer that has arrived while this process was busy counts as in time: after the time is over the sockets are
 * read once more.
 */
export function inTime<Value>(
  work: Promise<Value>,
  { withinMs, late }: { readonly withinMs: number; readonly late: () => Error },
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => setImmediate(() => reject(late())), withinMs)
    work.then(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error: unknown) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
