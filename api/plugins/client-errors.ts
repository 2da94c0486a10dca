import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { TallygateError } from '#core/errors.ts'
import { PROBLEM_TYPE, problemOf } from './problems.ts'

/** Statuses of what cannot be read as HTTP, by Node's code of it; 400 for all others. */
const statuses: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

/**
 * Answers bytes that are no HTTP request, then closes the connection.
 *
 * Nothing of what was sent is echoed or logged: the bytes may hold a key.
 */
export function answerClientError(
  { code }: { readonly code?: string },
  socket: Socket,
  log: FastifyBaseLogger,
): void {
  log.debug({ code }, 'something was sent that is not a request')
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = statuses[code ?? ''] ?? '400 Bad Request'
  const failure = new TallygateError('invalid_request', 'this is not an HTTP request that can be read')
  const body = JSON.stringify(problemOf(failure, { request: 'none', status: Number(status.slice(0, 3)) }))
  const head = [
    `HTTP/1.1 ${status}`,
    'connection: close',
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
