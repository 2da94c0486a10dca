import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** How a client is slow: it never ends its headers, it never ends its body, it never says a word, or it asks for
 * something that takes long and is gone before the answer. */
export type Slowness = 'header' | 'body' | 'silent' | 'gone'

/** Who is slow, how, and for how long. */
export interface SlowOptions {
  readonly url: string
  readonly key: string
  readonly count: number
  readonly slowness: Slowness
  /** Opens another one for each that was closed, until then, ms. */
  readonly forMs: number
}

const BYTE_EVERY_MS = 300
/** The first ones come one after another within this time: as long as one lives, so that they do not all come back at once. */
const ARRIVAL_MS = 3_000
/** The same at the least, however short it is. */
const ARRIVAL_MIN_MS = 500
const BODY_BYTES = 1_000
const GONE_AFTER_MS = 300
/** Waits for an event that never comes. */
const LONG_QUESTION = '{"workspace":"nobody","feature":"leads","after":"c~never~0"}'

/** Holds connections open by sending a byte now and then; how long each lived, ms. */
export async function slowClients(options: SlowOptions): Promise<readonly number[]> {
  const startedAt = performance.now()
  const arrivalMs = Math.max(ARRIVAL_MIN_MS, Math.min(ARRIVAL_MS, options.forMs / 2))
  const lived: number[] = []
  const one = async (index: number): Promise<void> => {
    await pause((index * arrivalMs) / options.count)
    do lived.push(await untilClosed(options))
    while (performance.now() - startedAt < options.forMs)
  }
  await Promise.all(Array.from({ length: options.count }, (_, index) => one(index)))
  return lived
}

function untilClosed({ url, key, slowness }: SlowOptions): Promise<number> {
  const { hostname, port } = new URL(url)
  const openedAt = performance.now()
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => begin(socket, { key, slowness }))
    const drip = setInterval(() => isDripping(slowness) && socket.write('x'), BYTE_EVERY_MS)
    socket.on('error', () => undefined)
    socket.resume()
    socket.once('close', () => {
      clearInterval(drip)
      resolve(performance.now() - openedAt)
    })
  })
}

function begin(
  socket: Socket,
  { key, slowness }: { readonly key: string; readonly slowness: Slowness },
): void {
  if (slowness === 'silent') return
  socket.write('POST /v1/check HTTP/1.1\r\nhost: api\r\ncontent-type: application/json\r\n')
  if (slowness === 'header') socket.write('x-slow: ')
  else socket.write(`authorization: Bearer ${key}\r\n`)
  if (slowness === 'body') socket.write(`content-length: ${BODY_BYTES}\r\n\r\n{`)
  if (slowness === 'gone') {
    socket.write(`content-length: ${LONG_QUESTION.length}\r\n\r\n${LONG_QUESTION}`)
    setTimeout(() => socket.resetAndDestroy(), GONE_AFTER_MS)
  }
}

function isDripping(slowness: Slowness): boolean {
  return slowness === 'header' || slowness === 'body'
}

/** Sends headers that announce a body, never the body; the first line of the answer. */
export function answerWithoutBody({
  url,
  key,
}: {
  readonly url: string
  readonly key: string
}): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () =>
      begin(socket, { key, slowness: 'body' }),
    )
    socket.once('data', (bytes) => {
      resolve(bytes.toString().split('\r\n')[0] ?? '')
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

/** Asks for as many answers on one connection at once and reads none of them; a call ends it. */
export async function leaveUnread(
  url: string,
  { key, path, count }: { readonly key: string; readonly path: string; readonly count: number },
): Promise<() => void> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  socket.on('error', () => undefined)
  socket.pause()
  await once(socket, 'connect')
  socket.write(`GET ${path} HTTP/1.1\r\nhost: api\r\nauthorization: Bearer ${key}\r\n\r\n`.repeat(count))
  return () => socket.destroy()
}
