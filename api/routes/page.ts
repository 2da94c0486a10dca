import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type PageFile, readPageFiles } from '../page-files.ts'

/** Our own files and our own API, nothing else: no inline script or style, no frame around it, no form that leaves. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  // Names carry no version: a browser keeps the files and asks each time whether they are still right.
  'cache-control': 'no-cache',
  vary: 'accept-encoding',
} as const

/** `GET /` and its files: the ops page. Open to all; what it shows it reads with the key that is typed in. */
export function pageRoutes(app: FastifyInstance): void {
  for (const file of readPageFiles()) {
    app.get(file.path, { config: { scope: null }, schema: { hide: true } }, async (request, reply) =>
      sendFile(file, request, reply),
    )
  }
}

function sendFile(file: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const isPacked = acceptsGzip(request.headers['accept-encoding'])
  const { etag, body } = isPacked ? file.packed() : file
  reply.headers({ ...HEADERS, etag })
  if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
  if (isPacked) reply.header('content-encoding', 'gzip')
  return reply.type(file.type).send(body)
}

/** Whether gzip is named and not refused by `q=0`. */
function acceptsGzip(header: string | undefined): boolean {
  return /(?:^|[\s,])gzip(?!\s*;\s*q=0(?:\.0+)?\s*(?:,|$))/i.test(header ?? '')
}

function matches(header: string | undefined, etag: string): boolean {
  const tags = (header ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(etag)
}
