import { SingleBar } from 'cli-progress'

/** A progress bar on a terminal; nothing elsewhere. */
export interface Progress {
  readonly add: (count: number) => void
  readonly stop: () => void
}

/** Starts a bar of so many things. */
export function startProgress(what: string, total: number): Progress {
  if (!process.stderr.isTTY) return { add: () => undefined, stop: () => undefined }
  const bar = new SingleBar({ format: `{bar} {value} of {total} ${what} · {eta_formatted} left` })
  bar.start(total, 0)
  return { add: (count) => bar.increment(count), stop: () => bar.stop() }
}
