import { expect, test } from 'vitest'
import { createLogger } from '#drivers/log.ts'
import { consumerMetrics, createMetrics } from '#drivers/metrics.ts'
import type { ApplyReply } from '#drivers/redis/apply.ts'
import { observeApply } from './observe-apply.ts'

const counted: ApplyReply = {
  outcome: 'OK',
  watermark: 9,
  catalogueRevision: 4,
  counted: 3,
  duplicates: 0,
  drifts: [],
  isReady: true,
}
const call = { partition: 2, events: 3, stated: [], at: 1_000 }

test('what is counted is late by its append time; what a rebuild counts again is not', () => {
  const told: number[] = []
  const heard: number[] = []
  const observe = observeApply({
    metrics: consumerMetrics(createMetrics()),
    lags: { observe: (_partition, lagMs) => told.push(lagMs) },
    drifts: { append: async () => undefined },
    catalogues: { heardOf: (revision) => heard.push(revision) },
    now: () => 1_250,
    log: createLogger('test', 'silent'),
  })
  observe({ ...counted, isReady: false }, { ...call, at: 1 })
  observe({ ...counted, counted: 0, duplicates: 3 }, call)
  observe(counted, call)
  expect(told).toEqual([250])
  expect(heard).toEqual([4, 4, 4])
})
