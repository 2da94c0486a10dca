const BYTES = 16

/** An id that nobody else has. A page that did not come by TLS has no `randomUUID`; its random bytes are as good. */
export function newId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = [...crypto.getRandomValues(new Uint8Array(BYTES))]
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
