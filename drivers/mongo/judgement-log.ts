import { TallygateError } from '#core/errors.ts'
import { type Judgement, NOT_JUDGED } from '#core/notices/judgement.ts'
import { NOTHING_TOLD } from '#core/notices/notice.ts'
import type { JudgementStore } from '#core/ports.ts'
import type { FactsSource } from './facts-source.ts'

/** Workspaces whose newest judgement one process remembers. */
const REMEMBERED_MAX = 50_000

interface Remembered {
  readonly number: number
  readonly judgement: Judgement
}

/** Judgements in MongoDB; the newest one of each workspace is remembered, which is right for ever: it never changes. */
export function judgementLog(source: FactsSource): JudgementStore {
  const remembered = new Map<string, Remembered>()
  const remember = (workspace: string, entry: Remembered): Judgement => {
    if (remembered.size >= REMEMBERED_MAX) remembered.clear()
    remembered.set(workspace, entry)
    return entry.judgement
  }
  return {
    read: async (workspace, number) => {
      if (number === 0) return NOT_JUDGED
      const known = remembered.get(workspace)
      if (known?.number === number) return known.judgement
      const found = await source.judgement(workspace, number)
      if (found === null) {
        throw new TallygateError('unavailable', `judgement ${number} of ${workspace} is missing; try again`)
      }
      return remember(workspace, { number, judgement: { ...found, ...toldOf(found) } })
    },
    append: (workspace, number, judgement) => source.appendJudgement(workspace, number, judgement),
  }
}

/** A judgement that was stored before there were notices told nothing. */
function toldOf({ told, notices }: Partial<Judgement>): Pick<Judgement, 'told' | 'notices'> {
  return { told: told ?? NOTHING_TOLD, notices: notices ?? [] }
}
