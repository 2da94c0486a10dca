import { describe as group, test as single } from 'vitest'

/** Tests that run side by side: each has workspaces of its own, and most of its time is waiting. */
export const test = single.concurrent

/** A group of such tests, side by side with the others. */
export const describe = group.concurrent
