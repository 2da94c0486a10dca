import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** Where Linux lists the threads of this process. */
const THREADS = '/proc/self/task'

/**
 * Has all of this process stand back for others of the machine, as nice(1) would have from its start on.
 *
 * Linux keeps a niceness for each thread: what is set for a process is that of its first one, while those that collect
 * garbage would go on as before. Threads that are begun later take it from the one that begins them. A process that was
 * started further back stays there: only root may call one forward.
 */
export function lowerPriority(nice: number): void {
  for (const thread of threads()) if (getPriority(thread) < nice) setPriority(thread, nice)
}

/** Ids of the threads; where the system lists none, the process itself. */
function threads(): readonly number[] {
  try {
    return readdirSync(THREADS).map(Number)
  } catch {
    return [process.pid]
  }
}
