import type { FastifyInstance, RouteOptions } from 'fastify'
import type { FastifyValidationResult } from 'fastify/types/schema.js'

/** Answered by the thousand a second, and within milliseconds: what reads and writes them is compiled at the start. */
const HOT = /^\/v1\/(checks?|consume|reservations|events)(\/|$)/

/**
 * Compiles the schemas of a route with its first request instead of at the start, except those of the hot ones; to be
 * registered before the routes.
 *
 * A fifth of what an API takes to start were the schemas of routes that most processes are never asked for. A schema that
 * cannot be compiled would be found late; writing the contract compiles all of them.
 */
export function compileLate(app: FastifyInstance): void {
  app.addHook('onRoute', function onRoute(route) {
    if (route.schema === undefined || HOT.test(route.url)) return
    route.validatorCompiler = validateLate(this)
    route.serializerCompiler = serializeLate(this)
  })
}

function validateLate(scope: FastifyInstance): NonNullable<RouteOptions['validatorCompiler']> {
  return (asked) => {
    let compiled: FastifyValidationResult | undefined
    const validate: FastifyValidationResult = (data) => {
      compiled ??= scope.validatorCompiler?.(asked)
      if (compiled === undefined) throw new Error('no route was compiled at the start')
      const outcome = compiled(data)
      validate.errors = compiled.errors ?? null
      return outcome
    }
    return validate
  }
}

function serializeLate(scope: FastifyInstance): NonNullable<RouteOptions['serializerCompiler']> {
  return (asked) => {
    let compiled: ((data: unknown) => string) | undefined
    return (data) => {
      compiled ??= scope.serializerCompiler?.(asked)
      if (compiled === undefined) throw new Error('no route was compiled at the start')
      return compiled(data)
    }
  }
}
