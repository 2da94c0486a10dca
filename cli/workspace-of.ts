import { isWorkspaceId } from '#core/usage/usage-event.ts'
import { CommandError, exitCodes } from './target.ts'

/** The workspace of `--workspace`, null where it was left out. Throws a CommandError for what cannot be one. */
export function workspaceOf(given: string | undefined): string | null {
  if (given === undefined || isWorkspaceId(given)) return given ?? null
  throw new CommandError(`"${given}" is not a workspace id`, exitCodes.usage)
}
