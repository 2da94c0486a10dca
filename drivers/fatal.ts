import type { Logger } from 'pino'
import { TallygateError } from '#core/errors.ts'

/**
 * Ends the process with code 1 on a failure that nothing handles, one while it starts above all, after a line in the log
 * that says what to do. Node's own way would print the error as it is, with what it carries.
 */
export function endOnFailure(log: Logger): void {
  process.on('uncaughtException', (error: unknown) => {
    const isNamed = error instanceof TallygateError
    log.fatal({ err: error }, isNamed ? error.message : 'something failed that nothing handles; ending')
    process.exit(1)
  })
}
