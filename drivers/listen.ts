import { TallygateError } from '#core/errors.ts'

interface ListenOptions {
  readonly host: string
  readonly port: number
  /** The setting that moves the port. */
  readonly setting: string
}

/** Anything that can listen: a Fastify instance. */
interface Listener {
  readonly listen: (options: { readonly host: string; readonly port: number }) => Promise<unknown>
}

/** Listens. Throws `invalid_config` for an address that cannot be had, naming the setting to change. */
export async function listenOn(app: Listener, { host, port, setting }: ListenOptions): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
    const why = code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${code})`
    const message = `port ${port} of ${host} ${why}: set ${setting} to another port`
    throw new TallygateError('invalid_config', message, {}, error)
  }
}
