import { connect, createServer, type Server, type Socket } from 'node:net'

/** How a proxy treats what comes: pass it on, keep it all back, break connections, or break them in the answer. */
export type ProxyMode =
  | { readonly kind: 'pass' | 'blackhole' | 'reset' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'cut-response'; readonly afterBytes: number }

interface Link {
  readonly client: Socket
  readonly server: Socket
  answered: number
}

/** A TCP proxy on loopback that can be told to misbehave, and to lead elsewhere. */
export class TcpProxy {
  readonly #server: Server
  readonly #links = new Set<Link>()
  #mode: ProxyMode = { kind: 'pass' }
  #forwarded = 0
  #onAnswer: (bytes: Buffer) => void = () => undefined
  #target: number

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer({ pauseOnConnect: true }, (client) => this.#accept(client))
  }

  /** Listens on a free port in front of another one. */
  static async open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Bytes that were passed on to the server so far. */
  get forwarded(): number {
    return this.#forwarded
  }

  /** Shows what the server answers from now on, also what no client hears any more. */
  watchAnswers(onAnswer: (bytes: Buffer) => void): void {
    this.#onAnswer = onAnswer
  }

  /** Changes what happens from now on, also to open connections. */
  set(mode: ProxyMode): void {
    this.#mode = mode
    for (const link of this.#links) {
      if (mode.kind === 'reset') this.#break(link)
      for (const socket of [link.client, link.server]) {
        if (mode.kind === 'blackhole') socket.pause()
        else socket.resume()
      }
    }
  }

  /** Leads to another port from now on; open connections are broken. */
  lead(target: number): void {
    this.#target = target
    for (const link of this.#links) this.#break(link)
  }

  async close(): Promise<void> {
    for (const link of this.#links) this.#break(link)
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    if (this.#mode.kind === 'reset') {
      client.resetAndDestroy()
      return
    }
    const server = connect({ host: '127.0.0.1', port: this.#target })
    const link: Link = { client, server, answered: 0 }
    this.#links.add(link)
    client.on('data', (bytes) => {
      this.#forwarded += bytes.length
      this.#forward(bytes, server)
    })
    server.on('data', (bytes) => this.#answer(link, bytes))
    for (const socket of [client, server]) {
      socket.on('error', () => this.#break(link))
      socket.on('close', () => this.#break(link))
    }
    if (this.#mode.kind !== 'blackhole') client.resume()
    else server.pause()
  }

  #forward(bytes: Buffer, to: Socket): void {
    if (this.#mode.kind === 'delay') setTimeout(() => to.destroyed || to.write(bytes), this.#mode.ms)
    else to.write(bytes)
  }

  #answer(link: Link, bytes: Buffer): void {
    this.#onAnswer(bytes)
    link.answered += bytes.length
    const isCut = this.#mode.kind === 'cut-response' && link.answered > this.#mode.afterBytes
    if (isCut) this.#break(link)
    else this.#forward(bytes, link.client)
  }

  #break(link: Link): void {
    if (!this.#links.delete(link)) return
    link.client.destroyed || link.client.resetAndDestroy()
    link.server.destroy()
  }
}
