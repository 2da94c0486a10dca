import { Agent, type IncomingMessage, request } from 'node:http'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { atRate } from './at-rate.ts'
import { untilStopped } from './thread.ts'

/** What is asked: the body of a POST, with the key that asks. */
export interface Question {
  readonly key: string
  readonly body: object
}

/** What became of one request; status 0 where there was no answer. */
export interface Asked {
  readonly status: number
  /** When it was asked, by the clock of the machine, ms. */
  readonly at: number
  readonly ms: number
  /** Whether it said when to come again. */
  readonly hasRetryAfter: boolean
  /** What was answered, where that is wanted; else empty. */
  readonly text: string
}

/** What a loop asks, where, and how often. */
export interface LoopOptions {
  readonly url: string
  /** In turn, from the first again after the last. */
  readonly questions: readonly Question[]
  readonly perSecond: number
  /** Keeps what was answered. */
  readonly withText?: boolean
}

const TICK_MS = 5
/** One after another, unmeasured: a client that has just begun is slow by itself. */
const WARM_UP = 20

if (parentPort !== null && workerData?.questions !== undefined) await ask(workerData, parentPort)

/** Asks, once it has warmed up, until it is stopped; then says what became of all it asked. */
async function ask(options: LoopOptions, port: MessagePort): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const requests = options.questions.map(({ key, body }) => {
    const text = JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
    }
    return { headers, text }
  })
  const post = (turn: number): Promise<Asked> => {
    const { headers, text } = requests[turn % requests.length] ?? { headers: {}, text: '' }
    return timed(request(options.url, { method: 'POST', agent, headers }), text, options.withText === true)
  }
  for (let turn = 0; turn < WARM_UP; turn += 1) await post(turn)
  const loop = atRate({ perSecond: options.perSecond, everyMs: TICK_MS }, (turn) => post(WARM_UP + turn))
  untilStopped(port, async () => {
    const asked = await loop.stop()
    agent.destroy()
    return asked
  })
}

function timed(asking: ReturnType<typeof request>, body: string, withText: boolean): Promise<Asked> {
  const at = Date.now()
  const startedAt = performance.now()
  return new Promise((resolve) => {
    const end = (answer: IncomingMessage | null, text: string): void => {
      const hasRetryAfter = answer?.headers['retry-after'] !== undefined
      resolve({ status: answer?.statusCode ?? 0, at, ms: performance.now() - startedAt, hasRetryAfter, text })
    }
    asking.on('error', () => end(null, ''))
    asking.on('response', (answer) => {
      let text = ''
      if (withText) answer.setEncoding('utf8').on('data', (part) => (text += part))
      else answer.resume()
      answer.on('end', () => end(answer, text))
      answer.on('error', () => end(null, ''))
    })
    asking.end(body)
  })
}
