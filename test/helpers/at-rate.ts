/** Begins something so often a second, however long each takes; `stop` begins no more, and resolves with what all came to, in order. */
export function atRate<Outcome>(
  { perSecond, everyMs }: { readonly perSecond: number; readonly everyMs: number },
  begin: (turn: number) => Promise<Outcome>,
): { readonly stop: () => Promise<readonly Outcome[]> } {
  const begun: Promise<Outcome>[] = []
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000)
    while (begun.length < due) begun.push(begin(begun.length))
  }, everyMs)
  return {
    stop: () => {
      clearInterval(timer)
      return Promise.all(begun)
    },
  }
}

/** The same for so long; resolves when all that was begun has ended. */
export async function atRateFor<Outcome>(
  { forMs, ...rate }: { readonly perSecond: number; readonly everyMs: number; readonly forMs: number },
  begin: (turn: number) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const { stop } = atRate(rate, begin)
  await new Promise((resolve) => setTimeout(resolve, forMs))
  return stop()
}
