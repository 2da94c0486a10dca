import { CommandError, exitCodes } from './target.ts'

interface Call {
  readonly api: string
  readonly key: string
  readonly path: string
  /** Sent as JSON by POST; without it the call is a GET. */
  readonly body?: object
}

/** Calls the API and returns the JSON it answers. Throws a CommandError with the API's own sentence. */
export async function callApi({ api, key, path, body }: Call): Promise<Readonly<Record<string, unknown>>> {
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
  const answer: Readonly<Record<string, unknown>> = JSON.parse(await response.text())
  if (response.ok) return answer
  const exitCode = response.status >= 500 || response.status === 429 ? exitCodes.unavailable : exitCodes.usage
  throw new CommandError(`${String(answer['code'])}: ${String(answer['detail'])}`, exitCode)
}
