import { MINUTE_MS } from '#core/instant.ts'
import { type Told, usageRecords, versionRecord } from '#deploy/demo/records.ts'
import { readStories, type SendStep, type Step, type SubscribeStep } from '#deploy/demo/story.ts'
import type { System } from './system.ts'
import { TestWorkspace } from './workspace.ts'

function isTold(step: Step): step is SendStep | SubscribeStep {
  return 'send' in step || 'subscribe' in step
}

/** The stories begin a little later than now, so that none of their ends falls into a test. */
const AHEAD_MS = 2 * MINUTE_MS

/**
 * Sends the demo's history through the real topics, and waits until it is counted and in force.
 *
 * Each story is told whole to one workspace, and to others up to each change of the subscription: all the states
 * that the demo passes through, side by side.
 */
export async function loadDemo(system: System): Promise<readonly TestWorkspace[]> {
  const tellings = readStories().flatMap((story) => {
    const steps = story.filter(isTold)
    const ends = steps.flatMap((step, index) => ('subscribe' in step ? [index + 1] : []))
    return [...new Set([...ends, steps.length])].map((end) => steps.slice(0, end))
  })
  return Promise.all(tellings.map((steps) => tell(system, steps)))
}

async function tell(system: System, steps: readonly (SendStep | SubscribeStep)[]): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  const start = Date.now() + AHEAD_MS
  const told: Told = { workspace: workspace.id, start, version: 0, subscription: {}, events: 0 }
  for (const step of steps) {
    const records = 'send' in step ? usageRecords(told, step as SendStep) : [versionRecord(told, step)]
    await Promise.all(records.map((record) => system.writer.write(record)))
  }
  await workspace.hasVersions(told.version)
  await workspace.counted()
  return workspace
}
