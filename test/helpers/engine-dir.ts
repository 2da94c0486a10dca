import { mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
/** More than all engines of a run keep at once. */
const ROOM_MIN = 4 * 2 ** 30

/**
 * A new directory for the data of engines: in memory where there is room, else on disk.
 *
 * What is tested survives a killed process, not a power cut, so nothing is lost by it; on one disk, whoever writes much lets
 * the next fsync of a Redis beside it take seconds, and it answers nobody meanwhile.
 */
export function engineDir(name: string): string {
  return mkdtempSync(join(hasRoom() ? MEMORY : tmpdir(), `tallygate-${name}-`))
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY)
    return bavail * bsize > ROOM_MIN
  } catch {
    return false
  }
}
