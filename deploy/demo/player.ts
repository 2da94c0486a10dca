import Table from 'cli-table3'
import pc from 'picocolors'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { openRecordWriter, type RecordWriter } from '#drivers/kafka/record-writer.ts'
import { readKafkaSecurity } from '#drivers/kafka/security.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import type { RunFile } from '../run-file.ts'
import { type Answer, type Asking, askApi, decisionLines, untilAnswer } from './ask.ts'
import { type Told, usageRecords, versionRecord } from './records.ts'
import {
  type CheckStep,
  offsetOf,
  readStories,
  type SendStep,
  type Step,
  type SubscribeStep,
} from './story.ts'

interface Telling extends Told {
  readonly writer: RecordWriter
  readonly asking: Asking
  readonly print: (line: string) => void
}

/**
 * Plays the stories of this folder through the real topics and prints what was allowed, denied and why.
 *
 * False when an answer was not the one that the rules of the domain give.
 */
export async function playDemo(run: RunFile, print: (line: string) => void): Promise<boolean> {
  const log = createLogger('demo', 'fatal')
  const kafka = connectKafka({
    brokers: run.kafka,
    security: readKafkaSecurity(process.env, run.kafka),
    clientId: 'tallygate-demo',
    log,
  })
  const writer = await openRecordWriter(kafka, new SchemaRegistry(run.registry))
  const suffix = Date.now().toString(36).slice(-5)
  const asking: Asking = { api: run.api, check: run.keys.check, read: run.keys.read }
  let asPlanned = true
  try {
    for (const [heading, ...steps] of readStories()) {
      if (heading === undefined || !('title' in heading)) throw new Error('a story begins with its title')
      const workspace = `${heading.workspace}-${suffix}`
      print(`\n${pc.bold(heading.title)} ${pc.dim(`(${workspace})`)}`)
      const start = Date.now()
      const telling: Telling = {
        writer,
        asking,
        print,
        workspace,
        start,
        version: 0,
        subscription: {},
        events: 0,
      }
      for (const step of steps) asPlanned = (await tell(telling, step)) && asPlanned
      print(await countersOf(telling))
    }
  } finally {
    await writer.close()
  }
  print(
    asPlanned
      ? pc.green('Every answer was the one the rules give.')
      : pc.red('An answer was not the one the rules give.'),
  )
  return asPlanned
}

async function tell(telling: Telling, step: Step): Promise<boolean> {
  if ('say' in step && step.say !== undefined) telling.print(`  ${step.say}`)
  if ('send' in step) await send(telling, step)
  if ('subscribe' in step) await subscribe(telling, step)
  if ('until' in step) await waitUntil(telling.start + (offsetOf(step.until) ?? 0))
  return 'check' in step ? check(telling, step) : true
}

/** Sends usage, and waits until it is counted. */
async function send(telling: Telling, step: SendStep): Promise<void> {
  const { writer, workspace, asking } = telling
  await Promise.all(usageRecords(telling, step).map((record) => writer.write(record)))
  const acknowledgedAt = Date.now()
  await untilAnswer(
    asking,
    { workspace, feature: 'leads', intent: 'read' },
    (answer) => answer.asOf >= acknowledgedAt,
  )
}

/** Sends a version of the subscription, and waits until it is in force. */
async function subscribe(telling: Telling, step: SubscribeStep): Promise<void> {
  const { writer, workspace, asking } = telling
  await writer.write(versionRecord(telling, step))
  await untilSeen(asking, { workspace, version: telling.version })
}

async function untilSeen(
  asking: Asking,
  { workspace, version }: { workspace: string; version: number },
): Promise<void> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const response = await askApi(asking, `/v1/workspaces/${workspace}/subscription`)
    const history: unknown = Reflect.get(response, 'history')
    if (Array.isArray(history) && history.some((entry) => entry.version === version))
      return untilInForce(asking, workspace)
    if (performance.now() > deadline)
      throw new Error(`version ${version} of ${workspace} was not taken in within 20 s`)
    await pause(25)
  }
}

/** The history is read from MongoDB; an answer that draws on the facts has them once Redis names them. */
async function untilInForce(asking: Asking, workspace: string): Promise<void> {
  await untilAnswer(
    asking,
    { workspace, feature: 'leads', intent: 'read' },
    ({ reason }) => reason !== 'no_subscription',
  )
}

/** Asks, and prints the answer; true when it is the expected one. The judge may need a moment to note a crossing. */
async function check(
  { asking, workspace, print }: Telling,
  { check: question, expect }: CheckStep,
): Promise<boolean> {
  const body = { workspace, ...question }
  const isExpected = ({ reason }: Answer): boolean => reason === expect
  const answer: Answer = await untilAnswer(asking, { ...body, explain: true }, isExpected, 5_000)
  // Once more as a product asks, so that the ops page has it among the denials.
  await untilAnswer(asking, body, () => true)
  for (const line of decisionLines(question, answer)) print(line)
  if (answer.reason === expect) return true
  print(pc.red(`    the rules say ${expect}`))
  return false
}

async function countersOf({ asking, workspace }: Telling): Promise<string> {
  const table = new Table({
    head: ['feature', 'used', 'limit', 'remaining', 'window ends'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'left'],
  })
  const { entitlements } = (await askApi(asking, `/v1/workspaces/${workspace}/entitlements`)) as {
    entitlements: readonly Record<string, unknown>[]
  }
  for (const { feature, kind, used, limit, remaining, resetsAt, unlimited } of entitlements) {
    if (kind === 'switch') continue
    const shown = unlimited === true ? 'unlimited' : (limit ?? '—')
    table.push([feature, used, shown, remaining ?? '', resetsAt ?? ''].map(String))
  }
  return table.toString().replaceAll(/^/gm, '  ')
}

async function waitUntil(instant: number): Promise<void> {
  await pause(Math.max(instant - Date.now() + 20, 0))
}

async function pause(forMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, forMs))
}
