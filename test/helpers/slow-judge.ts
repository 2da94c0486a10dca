import { setTimeout as pause } from 'node:timers/promises'
import type { JudgeDeps } from '#core/operations/judge-workspace.ts'
import { unhurried } from '#core/operations/read-workspace.ts'
import { defaultCatalogue } from './facts.ts'

/** What a judge needs, where every workspace takes a while and then cannot be judged, so that it stays where it was found. */
export function slowJudge(takesMs: number, onRead: (workspace: string) => void): JudgeDeps {
  const absent = (): never => {
    throw new Error('nothing was read to judge by')
  }
  const catalogue = defaultCatalogue()
  return {
    counters: {
      read: async (workspace) => {
        onRead(workspace)
        await pause(takesMs)
        return {
          state: 'rebuilding',
          factsRevision: '',
          catalogueRevision: 0,
          asOf: 0,
          lagMs: 0,
          exact: false,
          now: 0,
          isKnown: true,
          fields: {},
          sizes: {},
          membership: {},
          heldSubjects: {},
        }
      },
    },
    facts: { current: absent, load: absent, refresh: absent, remembered: () => null },
    catalogue: { load: absent, remembered: () => catalogue },
    now: Date.now,
    inTime: unhurried,
    judgements: { read: absent, append: absent },
    notices: { settle: absent },
  }
}
