import { setTimeout as pause } from 'node:timers/promises'

/** What a client reads of an answer. */
export interface UseAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

interface ClientOptions {
  /** APIs that are asked in turn. */
  readonly apis: readonly string[]
  readonly key: string
  readonly workspace: string
  /** Stops asking again once this says so; the last answer, or none, is what there is. */
  readonly isOver?: () => boolean
}

const ASKED_MAX = 200
const PAUSE_MS = 20

/** A client as a product writes it: it asks again with the same body until it is answered. */
export class UseClient {
  readonly #options: ClientOptions
  #asked = 0

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Asks once; null when nobody answered. */
  async once(path: string, body: object): Promise<UseAnswer | null> {
    const { apis, key, workspace } = this.#options
    const api = apis[this.#asked++ % apis.length] ?? ''
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    try {
      const text = JSON.stringify({ workspace, ...body })
      const response = await fetch(`${api}${path}`, { method: 'POST', headers, body: text })
      return { status: response.status, body: Object(await response.json()) }
    } catch {
      return null
    }
  }

  /** Asks until the answer is one: neither silence nor `unknown`, `unavailable` or `overloaded`. */
  async post(path: string, body: object): Promise<UseAnswer | null> {
    for (let asked = 0; asked < ASKED_MAX; asked += 1) {
      const answer = await this.once(path, body)
      if (answer !== null && answer.status !== 503 && answer.status !== 429) return answer
      if (this.#options.isOver?.() === true) return null
      await pause(PAUSE_MS)
    }
    throw new Error(`${path} was not answered after ${ASKED_MAX} attempts: ${JSON.stringify(body)}`)
  }
}

/** Units that an answer granted, all items together. */
export function grantedOf(answer: UseAnswer | null): number {
  const granted = answer?.body['granted']
  return Array.isArray(granted) ? granted.reduce((sum: number, units) => sum + Number(units), 0) : 0
}
