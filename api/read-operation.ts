import { hash } from 'node:crypto'
import type { Static } from 'typebox'
import type { ConsumeInput } from '#core/operations/consume.ts'
import { readInstant } from './read-instant.ts'
import type { consumeBody } from './use-schemas.ts'

/** Reads the body of an operation; `kind` is part of what makes two bodies the same. */
export function readOperation(
  kind: 'consume' | 'reserve',
  body: Static<typeof consumeBody> & { readonly ttlMs?: number },
): ConsumeInput {
  const { workspace, id, items, occurredAt, partial, ttlMs } = body
  const at = occurredAt === undefined ? null : readInstant(occurredAt, 'occurredAt')
  const named = items.map(({ feature, quantity, meter, subject, function: name }) => {
    return { feature, quantity, meter, subject, function: name }
  })
  const content = JSON.stringify([kind, workspace, id, named, at, partial, ttlMs ?? null])
  const fingerprint = hash('sha256', content, 'base64url').slice(0, 22)
  return { workspace, operation: id, items: named, occurredAt: at, partial, fingerprint }
}
