import type { Instant } from './instant.ts'

/** What a key may do; scopes do not nest (api.md). */
export const scopes = ['check', 'consume', 'events:write', 'usage:read', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** What is known of a key; its secret is not. */
export interface ApiKey {
  /** The eight characters by which a key is looked up. */
  readonly id: string
  readonly scopes: readonly Scope[]
  /** Workspaces it may touch; `*` for all. */
  readonly workspaces: '*' | readonly string[]
  readonly label: string
  readonly createdAt: Instant
  readonly expiresAt: Instant | null
}

/** Whether a key may touch a workspace. */
export function mayTouch(key: ApiKey, workspace: string): boolean {
  return key.workspaces === '*' || key.workspaces.includes(workspace)
}
