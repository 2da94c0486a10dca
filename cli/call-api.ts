import { parseObject } from './parse-object.ts'
import { CommandError, exitCodes } from './target.ts'

interface Call {
  readonly api: string
  readonly key: string
  readonly path: string
  /** Sent as JSON by POST; without it the call is a GET. */
  readonly body?: object
}

/** What a header can carry; fetch refuses all else as if there were no answer. */
const MAY_BE_KEY = /^[\x21-\x7e]+$/

/** Calls the API and returns the JSON it answers. Throws a CommandError with the API's own sentence. */
export async function callApi({ api, key, path, body }: Call): Promise<Readonly<Record<string, unknown>>> {
  if (!MAY_BE_KEY.test(key)) {
    throw new CommandError(
      'what TALLYGATE_KEY holds is no key: it has a space or a character that no key has; copy it anew',
      exitCodes.usage,
    )
  }
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await fetch(`${api}${path}`, { ...init, signal: AbortSignal.timeout(10_000) }).catch(
    (error: unknown) => {
      throw new CommandError(
        `the API at ${api} does not answer; is it up? (make up)`,
        exitCodes.unavailable,
        error,
      )
    },
  )
  const answer = parseObject(await response.text())
  if (answer !== null && response.ok) return answer
  if (typeof answer?.['code'] !== 'string') {
    throw new CommandError(
      `${api} answers ${response.status}, and not as Tallygate does; does TALLYGATE_API name its API?`,
      exitCodes.unavailable,
    )
  }
  const exitCode = response.status >= 500 || response.status === 429 ? exitCodes.unavailable : exitCodes.usage
  throw new CommandError(`${answer['code']}: ${String(answer['detail'])}`, exitCode)
}
