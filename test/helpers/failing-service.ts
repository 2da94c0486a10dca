import { createServer, type Server, type ServerResponse } from 'node:http'

/** What becomes of a request: an answer, a broken connection, silence, or an answer that ends halfway. */
export type Play =
  | {
      readonly status: number
      readonly body?: unknown
      readonly headers?: Readonly<Record<string, string>>
    }
  | 'reset'
  | 'silence'
  | 'half'

/** A request as it came. */
export interface SeenRequest {
  readonly path: string
  readonly key: string
  readonly body: Readonly<Record<string, unknown>>
  readonly at: number
}

/** An HTTP server that fails as it is told: one play for each request, the last one for all that follow. */
export class FailingService {
  readonly seen: SeenRequest[] = []
  readonly #server: Server
  #plays: readonly Play[] = []

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const play = this.#plays[Math.min(this.seen.length, this.#plays.length - 1)] ?? 'reset'
        const body = JSON.parse(Buffer.concat(chunks).toString() || '{}')
        const { url: path = '', headers } = request
        this.seen.push({ path, key: headers.authorization ?? '', body, at: performance.now() })
        perform(play, response)
      })
    })
  }

  /** Listens on a free port. */
  static async open(): Promise<FailingService> {
    const service = new FailingService()
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve))
    return service
  }

  get url(): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  /** Forgets what was seen and plays these from now on. */
  play(...plays: readonly Play[]): void {
    this.#plays = plays
    this.seen.length = 0
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

function perform(play: Play, response: ServerResponse): void {
  if (play === 'silence') return
  if (play === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  if (play === 'half') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write('{"allowed":', () => response.socket?.resetAndDestroy())
    return
  }
  const { status, body = {}, headers = {} } = play
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
