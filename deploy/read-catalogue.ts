import { readFileSync } from 'node:fs'
import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import { TallygateError } from '#core/errors.ts'

/** The catalogue that a new install begins with. */
export const DEFAULT_CATALOGUE = new URL('./catalogue.json', import.meta.url).pathname

/** Reads a catalogue as it was written. Throws `invalid_catalogue` with every problem, one a line, each with its place. */
export function readCatalogue(path: string): unknown {
  const source = parsedFile(path)
  const parsed = parseCatalogue(source, 1)
  if (parsed.ok) return source
  const lines = parsed.problems.map((one) => `\n  ${one.path}: ${one.problem}`)
  const problems = [...parsed.problems]
  throw new TallygateError('invalid_catalogue', `${path} breaks its own rules:${lines.join('')}`, {
    problems,
  })
}

function parsedFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new TallygateError('invalid_catalogue', `${path} cannot be read as JSON: ${why}`, {}, error)
  }
}
