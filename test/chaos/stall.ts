/**
 * Preloaded into a process (`node --import`): on SIGUSR2 it is busy for two seconds, a third of a second at a time,
 * so that whatever waits for its event loop waits.
 */
const STALLED_MS = 2_000
const SLICE_MS = 300

process.on('SIGUSR2', () => {
  const endsAt = performance.now() + STALLED_MS
  const spin = (): void => {
    const until = performance.now() + SLICE_MS
    while (performance.now() < until);
    if (performance.now() < endsAt) setImmediate(spin)
  }
  spin()
})
