import type { EnvFragment } from '#drivers/env.ts'
import { Type } from '#drivers/json-schema.ts'

/** The secret that hashes of keys are made with. */
export const pepperEnv = {
  TALLYGATE_KEY_PEPPER: Type.String({
    minLength: 32,
    description:
      'secret that key hashes are made with: at least 32 random characters (openssl rand -hex 32), the same in every process',
  }),
} satisfies EnvFragment

/** Fewer different characters than this are no random text. */
const VARIETY_MIN = 10

/** A pepper that was copied from an example, or typed with one finger. */
export function pepperProblems({
  TALLYGATE_KEY_PEPPER: pepper,
}: {
  readonly TALLYGATE_KEY_PEPPER: string
}): readonly string[] {
  const isExample = /change|example|default|secret|pepper-?123/i.test(pepper)
  if (!isExample && new Set(pepper).size >= VARIETY_MIN) return []
  return ['TALLYGATE_KEY_PEPPER looks like an example; make a random one (openssl rand -hex 32)']
}
