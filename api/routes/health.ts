import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { Type } from '#drivers/json-schema.ts'
import { readinessOf } from '#drivers/readiness.ts'
import type { ApiContext } from '../context.ts'

/** What the routes say, as `make openapi` wrote it: making it here would hold up every other answer for most of a second. */
const CONTRACT = new URL('../../docs/openapi.json', import.meta.url)

const status = Type.Object({ status: Type.String() })

/** `GET /healthz` (the process lives), `/readyz` (it can answer) and the contract; open to all. */
export function healthRoutes(app: FastifyInstance, { health }: ApiContext): void {
  const schema = { tags: ['health'], response: { 200: status, 503: status } }
  app.get('/healthz', { config: { scope: null }, schema }, async () => ({ status: 'up' }))
  app.get('/readyz', { config: { scope: null }, schema }, async (_request, reply) => {
    const { isReady } = await readinessOf(health)
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'up' : 'down' })
  })
  let contract: Buffer | null = null
  app.get('/openapi.json', { config: { scope: null }, schema: { hide: true } }, async (_request, reply) => {
    contract ??= await readFile(CONTRACT)
    return reply.type('application/json; charset=utf-8').send(contract)
  })
}
