let reading: Promise<void> | null = null

/**
 * Resolves once everything has been read that had arrived at this process when it looked at its sockets last.
 *
 * Whoever is woken with several things to read is handed them in an order that does not say which came first. One wait for
 * all who ask within one turn of the event loop.
 */
export function socketsRead(): Promise<void> {
  reading ??= new Promise((resolve) => {
    setImmediate(() => {
      reading = null
      resolve()
    })
  })
  return reading
}
