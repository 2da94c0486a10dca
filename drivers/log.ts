import { type Logger, pino } from 'pino'
import { Type } from 'typebox'

/** Settings of the log. */
export const logEnv = {
  LOG_LEVEL: Type.String({
    default: 'info',
    pattern: '^(trace|debug|info|warn|error|fatal|silent)$',
    description: 'Least severe level that is written',
  }),
}

/** A logger that writes JSON lines to standard output; keys and connection secrets are cut out. */
export function createLogger(name: string, level: string): Logger {
  return pino({
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: ['req.headers.authorization', 'headers.authorization', '*.pepper', '*.secret'],
      censor: '…',
    },
  })
}
