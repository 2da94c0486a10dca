import { sharedSystem } from './shared-system.ts'
import type { System } from './system.ts'
import { TestWorkspace } from './workspace.ts'

/** Two workspaces of one system, and a key with every scope for the first of them. */
export interface TwoWorkspaces {
  readonly system: System
  readonly own: TestWorkspace
  readonly foreign: TestWorkspace
  readonly key: string
}

/** A workspace that the key may touch and nobody ever heard of. */
export const ALLOWED_AND_ABSENT = 'w-allowed-and-absent'

/** Subscribes both on the system that tests share; `system.stop` lets go of it. */
export async function twoWorkspaces(): Promise<TwoWorkspaces> {
  const system = await sharedSystem()
  const [own, foreign] = [new TestWorkspace(system), new TestWorkspace(system)]
  await Promise.all([own.subscribe({}), foreign.subscribe({})])
  const key = await system.createKey({ workspaces: [own.id, ALLOWED_AND_ABSENT] })
  return { system, own, foreign, key }
}
