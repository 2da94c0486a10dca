import Fastify from 'fastify'
import { checkBody, decision } from '#api/schemas.ts'

/** Answers a fixed decision: what Fastify can do at most with the same body, schema and JSON. */
const answer: unknown = JSON.parse(process.argv[3] ?? '{}')
const app = Fastify()
app.post('/v1/check', { schema: { body: checkBody, response: { 200: decision } } }, async () => answer)
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
