import type { FastifyInstance } from 'fastify'
import { Type } from '#drivers/json-schema.ts'
import { readinessOf } from '#drivers/readiness.ts'
import type { ApiContext } from '../context.ts'

const status = Type.Object({ status: Type.String() })

/** `GET /healthz` (the process lives), `/readyz` (it can answer) and the contract; open to all. */
export function healthRoutes(app: FastifyInstance, { health }: ApiContext): void {
  const schema = { tags: ['health'], response: { 200: status, 503: status } }
  app.get('/healthz', { config: { scope: null }, schema }, async () => ({ status: 'up' }))
  app.get('/readyz', { config: { scope: null }, schema }, async (_request, reply) => {
    const { isReady } = await readinessOf(health)
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'up' : 'down' })
  })
  let contract: Promise<unknown> | null = null
  app.get('/openapi.json', { config: { scope: null }, schema: { hide: true } }, () => {
    contract ??= readContract()
    return contract
  })
}

/** Read from the routes when it is first asked for: what writes it takes a while to load. */
async function readContract(): Promise<unknown> {
  const { contractText } = await import('../contract.ts')
  return JSON.parse(await contractText())
}
