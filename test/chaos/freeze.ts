import { readdir, readFile } from 'node:fs/promises'
import { eventually } from '#test/helpers/eventually.ts'

/**
 * Stops a process, and resolves when every thread of it stands.
 *
 * A signal is taken when a thread is next scheduled: on a busy machine a process goes on for tens of milliseconds
 * after `kill` has returned, time enough to answer. Where there is no `/proc` it resolves at once.
 */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  if (process.platform !== 'linux') return
  await eventually(
    () => threadStates(pid),
    (states) => states.every((state) => state === 'T'),
    { what: `every thread of process ${pid} to stand` },
  )
}

async function threadStates(pid: number): Promise<readonly string[]> {
  const threads = await readdir(`/proc/${pid}/task`)
  return Promise.all(
    threads.map(async (thread) => {
      const stat = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      return stat.slice(stat.lastIndexOf(')') + 2).charAt(0)
    }),
  )
}
