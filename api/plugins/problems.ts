import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { TallygateError } from '#core/errors.ts'
import { ID_OF_PATH } from '../schemas.ts'

/** Content type of every failure (RFC 9457). */
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'
const RETRY_AFTER_S = '1'

/** Answers every failure as `application/problem+json` with a stable `code`; never a stack or a secret. */
export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(request, reply, error))
  app.setNotFoundHandler((request, reply) => {
    sendProblem(request, reply, new TallygateError('not_found', 'there is no such route for this key'))
  })
}

/** Answers one failure. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: FastifyError | TallygateError,
): void {
  const failure = failureOf(error)
  if (failure.code === 'internal') request.log.error({ err: error }, 'a bug')
  else if (failure.status >= 500) request.log.debug({ err: error, code: failure.code }, 'not answered')
  if (failure.retry) reply.header('retry-after', RETRY_AFTER_S)
  reply
    .code(failure.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf(failure, { request: request.id, status: failure.status })))
}

/** The body of a failure; docs/errors.md has a line for each code. */
export function problemOf(
  { code, title, message, details }: TallygateError,
  { request, status }: { readonly request: string; readonly status: number },
): object {
  const type = `urn:tallygate:error:${code}`
  return { type, title, status, code, detail: message, request, ...details }
}

function failureOf(error: FastifyError | TallygateError): TallygateError {
  if (error instanceof TallygateError) return error
  if (error.validation !== undefined) return invalidOf(error)
  const { statusCode = 500 } = error
  switch (statusCode) {
    case 413:
      return new TallygateError('too_large', 'the body is larger than this route takes')
    case 415:
      return new TallygateError('unsupported_media_type', 'send content-type: application/json')
    case 400:
      return new TallygateError('invalid_request', 'the body is not the JSON this route reads')
    case 414:
      return new TallygateError('invalid_request', 'the path is longer than that of any route')
    default:
      if (statusCode >= 400 && statusCode < 500)
        return new TallygateError('invalid_request', 'the request cannot be read')
      return new TallygateError('internal', 'the request could not be answered', {}, error)
  }
}

/** Names the field; what was sent is never echoed. */
function invalidOf({ validation, validationContext }: FastifyError): TallygateError {
  const [first] = validation ?? []
  const unknown: unknown = Reflect.get(first?.params ?? {}, 'additionalProperty')
  const missing: unknown = Reflect.get(first?.params ?? {}, 'missingProperty')
  const path = (first?.instancePath ?? '').slice(1).replaceAll('/', '.')
  const leaf = typeof unknown === 'string' ? unknown : typeof missing === 'string' ? missing : ''
  const field = [path, leaf.slice(0, 64)].filter((part) => part !== '').join('.')
  const what = typeof unknown === 'string' ? 'is not a property here' : whatIsAllowed(first)
  const message = `${validationContext ?? 'body'}${field === '' ? '' : ` ${field}`}: ${what}`
  return new TallygateError('invalid_request', message, { field })
}

function whatIsAllowed(fault: NonNullable<FastifyError['validation']>[number] | undefined): string {
  if (fault?.params['pattern'] === ID_OF_PATH) return 'must be of A-Za-z0-9._:-, and more than . or .. alone'
  const allowed: unknown = fault?.params['allowedValues']
  if (!Array.isArray(allowed)) return fault?.message ?? 'is not valid'
  return `must be one of ${allowed.map((one) => JSON.stringify(one)).join(', ')}`
}
