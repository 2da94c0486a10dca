import { exitCodes } from '../target.ts'
import type { Recounted } from './recount-log.ts'

/** Exit code of a recount: `denied` for a counter that differs and for which late copies are no reason. */
export function exitCodeOf({
  differences,
  rebuilding,
}: Pick<Recounted, 'differences' | 'rebuilding'>): number {
  if (differences.some(isUnexplained)) return exitCodes.denied
  return rebuilding.length > 0 ? exitCodes.unavailable : exitCodes.fine
}

/** Whether a counter differs and no copy that came late can be why. */
export function isUnexplained({ mayBeCopies }: Recounted['differences'][number]): boolean {
  return mayBeCopies === undefined
}
