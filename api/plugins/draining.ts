import type { FastifyInstance } from 'fastify'

/** Whether this process is about to end; one for all who must know. */
export interface Draining {
  isUnderWay: boolean
}

/**
 * While the process is about to end every answer tells its client to connect elsewhere: what is asked until then is
 * answered, and no idle connection is left to be cut off in the middle of a request.
 */
export function partOnDrain(app: FastifyInstance, draining: Draining): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (draining.isUnderWay) reply.header('connection', 'close')
    done(null, payload)
  })
}
