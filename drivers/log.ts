import { type Logger, pino } from 'pino'
import { Type } from './json-schema.ts'
import { redactorOf } from './secrets.ts'

/** Settings of the log. */
export const logEnv = {
  LOG_LEVEL: Type.String({
    default: 'info',
    pattern: '^(trace|debug|info|warn|error|fatal|silent)$',
    description: 'least severe level that is written: trace, debug, info, warn, error, fatal or silent',
  }),
}

/**
 * A logger that writes JSON lines to standard output. Secrets are cut out of every line as it is written, however they
 * came into it: an error of a client carries the call that failed, with its arguments.
 */
export function createLogger(name: string, level: string, secrets: readonly string[] = []): Logger {
  const timestamp = pino.stdTimeFunctions.isoTime
  return pino({ name, level, timestamp, hooks: { streamWrite: redactorOf(secrets) } })
}
