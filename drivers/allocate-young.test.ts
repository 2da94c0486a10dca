import { expect, test } from 'vitest'
import { askedOfV8, loading } from '#test/helpers/asked-of-v8.ts'

/** At the end of a process: makes objects that last, over and over, and says where the next ones begin. */
const lasting = `
  const kept = []
  const make = (number) => ({ number, list: [number] })
  process.on('exit', () => {
    for (let round = 0; round < 60; round += 1)
      for (let index = 0; index < 300_000; index += 1) kept[index] = make(index)
    const next = [make(1), make(2), make(3)]
    console.log(next.every((one) => %InYoungGeneration(one)) ? 'young' : 'old')
  })`

test('V8 makes what may last among the old ones, where nobody says otherwise', () => {
  const ages = new Set<string>()
  for (let run = 0; run < 10 && !ages.has('old'); run += 1) ages.add(askedOfV8(lasting, '0'))
  expect(ages).toContain('old')
})

test.each(['api', 'consumers'] as const)('every object of the %s begins among the young ones', (name) => {
  expect(askedOfV8(lasting, loading(name))).toBe('young')
})
