import type { EventEmitter } from 'node:events'

/**
 * Goes on where nobody reads the output any more, as after `| head`: what is under way comes to its end, and the exit code
 * says what came of it. Throws whatever else keeps the output from being written.
 */
export function outliveReaders(outputs: readonly EventEmitter[]): void {
  for (const output of outputs)
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
}
