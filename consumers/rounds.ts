/** Work that goes round by round until it is stopped. */
export interface Rounds {
  /** Resolves when the round under way has ended. */
  readonly stop: () => Promise<void>
}

/**
 * Goes round by round, so many milliseconds after the last one ended; rounds never overlap.
 *
 * `round` must not throw; it asks `isStopped` between steps where it has many.
 */
export function startRounds(
  everyMs: number,
  round: (isStopped: () => boolean) => Promise<unknown>,
  { first = 'now' }: { readonly first?: 'now' | 'later' } = {},
): Rounds {
  let hasStopped = false
  let wake: () => void = () => undefined
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve
      setTimeout(resolve, everyMs)
    })
  const run = async (): Promise<void> => {
    if (first === 'later') await pause()
    while (!hasStopped) {
      await round(() => hasStopped)
      if (!hasStopped) await pause()
    }
  }
  const running = run()
  return {
    stop: async () => {
      hasStopped = true
      wake()
      await running
    },
  }
}
