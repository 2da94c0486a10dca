import { pino } from 'pino'
import { Registry } from 'prom-client'
import { unhurried } from '#core/operations/read-workspace.ts'
import { apiMetrics } from '#drivers/metrics.ts'
import { createApp } from './app.ts'
import type { ApiContext } from './context.ts'

/** The OpenAPI document as the routes state it, without anything to answer from. */
export async function contractText(): Promise<string> {
  const absent = (): never => {
    throw new Error('the contract is written without a system behind it')
  }
  const context: ApiContext = {
    check: {
      counters: { read: absent },
      facts: { current: absent, load: absent, refresh: absent, remembered: absent },
      catalogue: { load: absent, remembered: absent },
      now: absent,
      lastKnown: { get: absent, set: absent },
      inTime: unhurried,
    },
    holds: {
      hold: absent,
      commit: absent,
      release: absent,
      keepAnswer: absent,
      counted: absent,
      now: absent,
    },
    usage: { encode: absent, send: absent, produce: absent, requireReachable: absent },
    history: { catalogueAt: absent, historyOf: absent },
    archive: { page: absent },
    authenticate: absent,
    versions: absent,
    rulesJudging: absent,
    overrides: absent,
    corrections: absent,
    noteCorrection: absent,
    changeOverride: absent,
    catalogueSource: absent,
    proposeCatalogue: absent,
    changeCatalogue: absent,
    catalogueHeads: absent,
    notices: absent,
    workspacesAfter: absent,
    noteDecision: absent,
    decisionPage: absent,
    nearLimits: absent,
    letters: { page: absent, one: absent, overview: absent },
    system: { partitions: 0, shards: absent, ends: absent, enforcementLags: absent },
    metrics: apiMetrics(new Registry()),
    health: {},
  }
  const app = await createApp(context, pino({ level: 'silent' }), { withContract: true })
  const text = `${JSON.stringify(app.swagger(), null, 2)}\n`
  await app.close()
  return text
}
