import { put, say } from './dom.js'
import { failure, loading } from './parts.js'
import { poll } from './poll.js'

const MINUTE_MS = 60_000
/** How often a first answer is asked for again before it is said that there is none, and after what pause, ms. */
const AGAIN_MAX = 2
const AGAIN_AFTER_MS = 400

/**
 * Keeps a place showing what is read: bones first, then the answer, renewed when it changed.
 *
 * A failure replaces what is shown only where that cannot be right any more; an answer that merely did not come
 * leaves it, marked as old. `fail` may say that it has dealt with a failure itself. What is shown is `isAging` where
 * it says how long ago something was: it is drawn anew each minute too.
 *
 * @template Answer
 * @param {Element} place
 * @param {{ read: (signal: AbortSignal) => Promise<Answer>, show: (answer: Answer) => import('./dom.js').Child | (import('./dom.js').Child | import('./dom.js').Child[])[], leave: () => void, fail?: (problem: import('./api.js').Problem) => boolean, everyMs?: number, bones?: number, isAging?: boolean }} how
 */
export function watch(place, { read, show, leave, fail = () => false, everyMs, bones, isAging = false }) {
  let shown = null
  let isFirst = true
  put(place, loading(bones))
  place.setAttribute('aria-busy', 'true')
  const once = async (signal) => {
    try {
      const answer = await (isFirst ? readPatiently(read, signal) : read(signal))
      if (signal.aborted) return
      const text = `${isAging ? Math.floor(Date.now() / MINUTE_MS) : ''} ${JSON.stringify(answer)}`
      if (text !== shown) put(place, show(answer))
      shown = text
      place.classList.remove('old')
    } catch (problem) {
      if (signal.aborted) return
      if (problem.code === 'unauthenticated') return leave()
      if (fail(problem)) return
      const isPassing = problem.code === 'unreachable' || problem.status >= 500 || problem.status === 429
      if (isPassing && shown !== null) {
        if (!place.classList.contains('old')) say('There is no answer. What is shown is as it was.')
        place.classList.add('old')
      } else {
        put(place, failure(problem, 'It is asked again by itself.'))
        shown = null
      }
      throw problem
    } finally {
      if (!signal.aborted) {
        place.removeAttribute('aria-busy')
        isFirst = false
      }
    }
  }
  const polling = poll(once, everyMs)
  void polling.now()
  return polling
}

/** An API that has just started, or has not heard of this workspace for long, may have its figures a moment too late. */
async function readPatiently(read, signal) {
  for (let again = 0; again < AGAIN_MAX; again += 1) {
    try {
      return await read(signal)
    } catch (problem) {
      if (signal.aborted || problem.code !== 'unavailable') throw problem
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS))
    signal.throwIfAborted()
  }
  return read(signal)
}
