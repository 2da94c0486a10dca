import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readEnv } from '#drivers/env.ts'
import { pepperEnv, pepperProblems } from '#drivers/mongo/pepper.ts'
import { CommandError, exitCodes, type Target } from './target.ts'

/** The pepper that the API runs with. Throws for one that it would not start with: no key made with it works. */
export function pepperOf(target: Target, env: NodeJS.ProcessEnv): string {
  const given = env['TALLYGATE_KEY_PEPPER'] ?? ''
  const file = join(target.runDir, 'pepper')
  const kept = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  const pepper = given === '' ? kept : given
  if (pepper === '') {
    throw new CommandError(
      'set TALLYGATE_KEY_PEPPER to the pepper that the API runs with',
      exitCodes.unavailable,
    )
  }
  try {
    readEnv(pepperEnv, { TALLYGATE_KEY_PEPPER: pepper }, [pepperProblems])
  } catch (error) {
    const where = given === '' ? ` (read from ${file})` : ''
    const reason = error instanceof Error ? error.message : String(error)
    throw new CommandError(`no API runs with this pepper${where}: ${reason}`, exitCodes.usage, error)
  }
  const isOfRun = target.mongoOfRun === null || target.mongoOfRun === target.mongo
  if (kept === '' || kept === pepper || !isOfRun) return pepper
  throw new CommandError(
    `TALLYGATE_KEY_PEPPER is another pepper than that of ${file}: a key works only where the API runs with the pepper it was ` +
      'made with. Unset the variable to take the file; for an API elsewhere set MONGODB_URL or TALLYGATE_DIR too',
    exitCodes.usage,
  )
}
