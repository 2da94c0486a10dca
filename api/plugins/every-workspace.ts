import type { onRequestHookHandler } from 'fastify'
import { TallygateError } from '#core/errors.ts'

/**
 * For routes that concern all workspaces at once: refuses a key that is bound to some of them (403 `forbidden`).
 *
 * A hook of the route, so it runs after key and scope were found right.
 */
export const forEveryWorkspace: onRequestHookHandler = ({ apiKey }, _reply, done) => {
  if (apiKey?.workspaces === '*') return done()
  const message = 'the key is for some workspaces, and this concerns all of them; use a key for *'
  done(new TallygateError('forbidden', message))
}
