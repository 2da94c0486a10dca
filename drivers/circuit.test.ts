import { describe, expect, test } from 'vitest'
import { TallygateError } from '#core/errors.ts'
import { Circuit, FAILURES_MAX, PROBE_EVERY_MS, UNASKED_MAX_MS } from './circuit.ts'

class Answered extends Error {}

/** A circuit on a clock that a test moves. */
function circuitOf(withinMs = 1_000) {
  const seen = { now: 0, changes: [] as boolean[] }
  const circuit = new Circuit({
    dependency: 'Redis',
    withinMs,
    isAnswer: (error) => error instanceof Answered,
    now: () => seen.now,
    onChange: (isOpen) => seen.changes.push(isOpen),
  })
  let made = 0
  const ask = (outcome: Promise<string>): Promise<string> =>
    circuit
      .call(() => {
        made += 1
        return outcome
      })
      .catch((error: unknown) => (error instanceof TallygateError ? error.code : String(error)))
  const fails = (): Promise<string> => ask(Promise.reject(new Error('reset')))
  const works = (): Promise<string> => ask(Promise.resolve('fine'))
  const open = async (): Promise<void> => {
    for (let failed = 0; failed < FAILURES_MAX; failed += 1) await fails()
  }
  return { seen, circuit, ask, fails, works, open, made: () => made }
}

describe('circuit', () => {
  test('opens with the fifth failure in a row, and not when one was answered in between', async () => {
    const { circuit, fails, works } = circuitOf()
    for (let failed = 1; failed < FAILURES_MAX; failed += 1) expect(await fails()).toBe('unavailable')
    expect(await works()).toBe('fine')
    for (let failed = 1; failed < FAILURES_MAX; failed += 1) await fails()
    expect(circuit.isOpen).toBe(false)
    await fails()
    expect(circuit.isOpen).toBe(true)
  })

  test('a minute without calls closes it: nothing is known of it any more', async () => {
    const { open, works, seen, circuit } = circuitOf()
    await open()
    seen.now = PROBE_EVERY_MS + UNASKED_MAX_MS
    circuit.lapse()
    expect(circuit.isOpen).toBe(true)
    seen.now += 1
    circuit.lapse()
    expect(circuit.isOpen).toBe(false)
    expect(await works()).toBe('fine')
    expect(seen.changes).toEqual([true, false])
  })

  test('while it is open no call is made, and the answer is unavailable at once', async () => {
    const { open, works, made, seen } = circuitOf()
    await open()
    seen.now = PROBE_EVERY_MS - 1
    expect(await works()).toBe('unavailable')
    expect(made()).toBe(FAILURES_MAX)
  })

  test('one call at a time probes; a failure keeps it open for as long again, an answer closes it', async () => {
    const { open, ask, fails, works, made, seen, circuit } = circuitOf()
    await open()
    seen.now = PROBE_EVERY_MS
    expect(await fails()).toBe('unavailable')
    expect(await works()).toBe('unavailable')
    expect(made()).toBe(FAILURES_MAX + 1)
    seen.now = 2 * PROBE_EVERY_MS
    const probe = Promise.withResolvers<string>()
    const probing = ask(probe.promise)
    expect(await works()).toBe('unavailable')
    expect(made()).toBe(FAILURES_MAX + 2)
    probe.resolve('fine')
    expect(await probing).toBe('fine')
    expect(circuit.isOpen).toBe(false)
    expect(await works()).toBe('fine')
    expect(seen.changes).toEqual([true, false])
  })

  test('a call that never settles has failed when its time is over, as a probe, too', async () => {
    const { ask, circuit, seen, works } = circuitOf(1)
    const never = new Promise<string>(() => undefined)
    await Promise.all(Array.from({ length: FAILURES_MAX }, () => ask(never)))
    expect(circuit.isOpen).toBe(true)
    seen.now = PROBE_EVERY_MS
    expect(await ask(never)).toBe('unavailable')
    seen.now = 2 * PROBE_EVERY_MS
    expect(await works()).toBe('fine')
  })

  test('calls that were under way when it opened neither close it nor keep it open', async () => {
    const { open, ask, circuit, seen, works } = circuitOf()
    const slow = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const underWay = slow.map(({ promise }) => ask(promise))
    await open()
    slow[0]?.resolve('late')
    expect(await underWay[0]).toBe('late')
    expect(circuit.isOpen).toBe(true)
    seen.now = PROBE_EVERY_MS
    expect(await works()).toBe('fine')
    for (let failed = 1; failed < FAILURES_MAX; failed += 1) await ask(Promise.reject(new Error('reset')))
    slow[1]?.reject(new Error('reset'))
    await underWay[1]
    expect(circuit.isOpen).toBe(false)
  })

  test('an error that the dependency answered with is passed on and is no failure', async () => {
    const { circuit, ask } = circuitOf()
    for (let asked = 0; asked < 2 * FAILURES_MAX; asked += 1) {
      expect(await ask(Promise.reject(new Answered('WRONGTYPE')))).toContain('WRONGTYPE')
      expect(await ask(Promise.reject(new TallygateError('not_found', 'none')))).toBe('not_found')
    }
    expect(circuit.isOpen).toBe(false)
  })
})

test('an answer that arrived while the process was busy is in time', async () => {
  const { ask } = circuitOf(5)
  const arrived = Promise.withResolvers<string>()
  const asked = ask(arrived.promise)
  setImmediate(() => arrived.resolve('fine'))
  const until = performance.now() + 20
  while (performance.now() < until);
  expect(await asked).toBe('fine')
})
