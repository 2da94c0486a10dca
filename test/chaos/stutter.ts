interface StutterOptions {
  readonly stop: () => void
  readonly go: () => void
  readonly stoppedMs: number
  readonly goingMs: number
}

/** Stops and continues something in turn, so that it is slow; ends with it going. */
export function stutter({ stop, go, stoppedMs, goingMs }: StutterOptions): () => void {
  let timer: NodeJS.Timeout
  const pause = (): void => {
    stop()
    timer = setTimeout(run, stoppedMs)
  }
  const run = (): void => {
    go()
    timer = setTimeout(pause, goingMs)
  }
  pause()
  return () => {
    clearTimeout(timer)
    go()
  }
}
