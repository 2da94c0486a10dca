import { connect } from 'node:net'

/** What came back before the connection ended; nothing where it was closed without a word. */
export interface RawAnswer {
  readonly statuses: readonly number[]
  readonly text: string
  /** The server neither answered nor closed in time. */
  readonly isStuck: boolean
}

/** Longer than any time-out of the API for a request. */
const STUCK_AFTER_MS = 15_000
/** A server that says nothing for so long waits for more: then it is told that there is no more. */
const QUIET_MS = 500

/** Sends bytes on a connection of their own and reads to the end; what waits for more bytes is told there are none. */
export function sendBytes(port: number, bytes: Buffer): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    let isStuck = false
    const timer = setTimeout(() => {
      isStuck = true
      socket.destroy()
    }, STUCK_AFTER_MS)
    const quiet = setTimeout(() => socket.end(), QUIET_MS)
    socket.on('data', (chunk) => {
      quiet.refresh()
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(timer)
      clearTimeout(quiet)
      const heads = text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)
      resolve({ statuses: [...heads].map(([, status]) => Number(status)), text, isStuck })
    })
    socket.write(bytes)
  })
}
