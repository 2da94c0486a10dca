/**
 * Preloaded into a process (`node --import`): its wall clock is wrong by CLOCK_SKEW_MS, to the one side and to the
 * other in turn, changing every CLOCK_JUMP_MS.
 */
const skewMs = Number(process.env['CLOCK_SKEW_MS'])
const jumpMs = Number(process.env['CLOCK_JUMP_MS'])
const RealDate = Date
const startedAt = performance.now()

function skewedNow(): number {
  const jumps = Math.floor((performance.now() - startedAt) / jumpMs)
  return RealDate.now() + (jumps % 2 === 0 ? skewMs : -skewMs)
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) =>
    Reflect.construct(target, args.length === 0 ? [skewedNow()] : args, self),
  apply: () => new RealDate(skewedNow()).toString(),
  get: (target, name) => (name === 'now' ? skewedNow : Reflect.get(target, name)),
})
