/** How long between two readings unless said otherwise, ms. */
const EVERY_MS = 5_000
/** Longest pause while nothing answers, ms. */
const SLOWEST_MS = 60_000

/**
 * Reads again and again while the page is seen and live; after a failure with longer and longer pauses.
 *
 * @param {(signal: AbortSignal) => Promise<unknown>} read
 * @param {number} [everyMs]
 * @returns {{ now: () => Promise<void>, stop: () => void }} `now` reads at once, `stop` ends it and what is under way
 */
export function poll(read, everyMs = EVERY_MS) {
  let ended = new AbortController()
  let timer = 0
  let failures = 0
  let isStopped = false
  const isPaused = () => document.hidden || document.documentElement.dataset['live'] === 'off'
  const plan = () => {
    clearTimeout(timer)
    if (isStopped || isPaused()) return
    timer = setTimeout(now, Math.min(everyMs * 2 ** failures, Math.max(everyMs, SLOWEST_MS)))
  }
  const now = async () => {
    clearTimeout(timer)
    ended.abort()
    ended = new AbortController()
    const { signal } = ended
    const isFine = await read(signal).then(
      () => true,
      () => false,
    )
    if (signal.aborted) return
    failures = isFine ? 0 : failures + 1
    plan()
  }
  const resume = () => {
    if (isPaused()) clearTimeout(timer)
    else void now()
  }
  document.addEventListener('visibilitychange', resume)
  document.addEventListener('livechange', resume)
  return {
    now,
    stop: () => {
      isStopped = true
      clearTimeout(timer)
      ended.abort()
      document.removeEventListener('visibilitychange', resume)
      document.removeEventListener('livechange', resume)
    },
  }
}
