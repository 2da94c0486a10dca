import { setTimeout as pause } from 'node:timers/promises'
import type { System } from '#test/helpers/system.ts'

/** What checks came to while they were asked one after the other. */
export interface Told {
  /** How many answers of each kind. */
  readonly answers: ReadonlyMap<string, number>
  /** Requests that nobody answered. */
  readonly silent: number
  /** The longest time in which a workspace had no answer with exact figures, ms. */
  readonly longestInexactMs: number
  readonly slowestMs: number
  /** Answers without figures, and all, by workspace. */
  readonly byWorkspace: ReadonlyMap<string, Share>
}

/** How many of how many answers had no figures. */
export interface Share {
  readonly degraded: number
  readonly all: number
}

/** Checks of some workspaces that are asked until it is stopped. */
export interface CheckStream {
  readonly stop: () => Promise<Told>
}

const EVERY_MS = 10

/** Asks for a unit of `ai_credits` of each workspace again and again, all workspaces at once. */
export function startChecks(system: System, workspaces: readonly string[]): CheckStream {
  const answers = new Map<string, number>()
  const note = (answer: string): void => void answers.set(answer, (answers.get(answer) ?? 0) + 1)
  const byWorkspace = new Map<string, Share>()
  let [silent, longestInexactMs, slowestMs] = [0, 0, 0]
  let isStopped = false
  const ask = async (workspace: string): Promise<boolean> => {
    const startedAt = performance.now()
    const headers = { authorization: `Bearer ${system.key}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ workspace, feature: 'ai_credits', quantity: 1 })
    const response = await fetch(`${system.api}/v1/check`, { method: 'POST', headers, body }).catch(
      () => null,
    )
    if (response === null) {
      silent += 1
      return false
    }
    const { allowed, reason, code, exact, degraded } = Object(await response.json())
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    const before = byWorkspace.get(workspace) ?? { degraded: 0, all: 0 }
    const own = { degraded: before.degraded + (degraded === true ? 1 : 0), all: before.all + 1 }
    byWorkspace.set(workspace, own)
    const kind = allowed === true ? 'ALLOWED ' : ''
    note(`${response.status} ${kind}${reason ?? code}${exact === true ? ', exact' : ''}`)
    return exact === true
  }
  const run = async (workspace: string): Promise<void> => {
    let exactAt = performance.now()
    while (!isStopped) {
      if (await ask(workspace)) exactAt = performance.now()
      longestInexactMs = Math.max(longestInexactMs, performance.now() - exactAt)
      await pause(EVERY_MS)
    }
  }
  const running = Promise.all(workspaces.map(run))
  return {
    stop: async () => {
      isStopped = true
      await running
      return { answers, silent, longestInexactMs, slowestMs, byWorkspace }
    },
  }
}
