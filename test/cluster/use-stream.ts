import { setTimeout as pause } from 'node:timers/promises'
import { OWN_SOURCE } from '#core/usage/usage-event.ts'
import { UseClient } from '#test/chaos/use-client.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'

/** Uses that are consumed through the API until it is stopped. */
export interface UseStream {
  /** Events that were acknowledged so far, as the log's reader names them: `<workspace> <source> <id>`. */
  readonly acknowledged: readonly string[]
  /** Waits until so many more are acknowledged, or, where that may not be, until one is answered `unknown`. */
  readonly goesOn: (more: number, orUnknown?: 'or unknown') => Promise<void>
  readonly stop: () => Promise<void>
}

const AGAIN_AFTER_MS = 20

/** Consumes a unit of `ai_credits` of each workspace again and again, all workspaces at once; asks again as it stands. */
export function startUses(system: System, workspaces: readonly string[]): UseStream {
  const acknowledged: string[] = []
  let unknown = 0
  let isStopped = false
  const run = async (workspace: string): Promise<void> => {
    const client = new UseClient({ apis: [system.api], key: system.key, workspace })
    for (let id = 0; !isStopped; ) {
      const body = { id: `u${id}`, items: [{ feature: 'ai_credits', quantity: 1 }] }
      const answer = await client.once('/v1/consume', body)
      if (answer?.body['code'] === 'unknown') unknown += 1
      if (answer?.status !== 200) {
        await pause(AGAIN_AFTER_MS)
        continue
      }
      const { allowed, eventIds } = answer.body
      if (allowed !== true || !Array.isArray(eventIds)) throw new Error(JSON.stringify(answer.body))
      acknowledged.push(...eventIds.map((event) => `${workspace} ${OWN_SOURCE} ${event}`))
      id += 1
    }
  }
  const running = Promise.all(workspaces.map(run))
  return {
    acknowledged,
    goesOn: async (more, orUnknown) => {
      const before = { unknown, acknowledged: acknowledged.length }
      await eventually(
        async () => ({ unknown, acknowledged: acknowledged.length }),
        (now) =>
          now.acknowledged >= before.acknowledged + more ||
          (orUnknown !== undefined && now.unknown > before.unknown),
        { what: `${more} uses more to be acknowledged`, withinMs: 60_000 },
      )
    },
    stop: async () => {
      isStopped = true
      await running
    },
  }
}
