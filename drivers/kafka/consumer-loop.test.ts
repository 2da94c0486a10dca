import { EventEmitter } from 'node:events'
import kafkajs, { type Kafka } from 'kafkajs'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { ConsumerLoop, type PartitionSession } from './consumer-loop.ts'

const topic = 'usage.events'

class Session implements PartitionSession {
  position = 10
  handle = async (): Promise<'done'> => 'done'
  passOver(next: number): void {
    this.position = next
  }
}

/** A client of Kafka that does nothing by itself and says what a test has it say. */
async function started(openSession: () => Promise<Session>, takesSeeks = true) {
  const client = new EventEmitter()
  const seeks: unknown[] = []
  let eachBatch: (payload: object) => Promise<void> = async () => undefined
  const consumer = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash', FETCH: 'fetch', END_BATCH_PROCESS: 'end' },
    on: (event: string, listener: (said: unknown) => void) => client.on(event, listener),
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async (given: { readonly eachBatch: typeof eachBatch }) => {
      eachBatch = given.eachBatch
    },
    seek: (place: unknown) => {
      if (!takesSeeks) throw new kafkajs.KafkaJSNonRetriableError('consumer#run must be called first')
      seeks.push(place)
    },
    commitOffsets: async () => undefined,
    disconnect: async () => undefined,
  }
  const fatal: Error[] = []
  const loop = new ConsumerLoop<Session>({
    kafka: Object({ consumer: () => consumer }) as Kafka,
    groupId: 'g',
    topic,
    log: pino({ level: 'silent' }),
    onFatal: (reason) => fatal.push(reason),
    sessionTimeoutMs: 1_000,
    openSession,
  })
  await loop.start()
  const say = (event: string, payload: unknown): unknown => client.emit(event, { payload })
  return { loop, fatal, seeks, say, handOut: (payload: object) => eachBatch(payload) }
}

test('a Kafka client that stops for good is told on, one that begins anew by itself is not', async () => {
  const { loop, fatal, say } = await started(async () => new Session())
  say('crash', { error: new Error('it begins anew'), restart: true })
  expect(fatal).toEqual([])
  say('crash', { error: new Error('it is over'), restart: false })
  expect(fatal.map(({ message }) => message)).toEqual(['it is over'])
  await loop.stop()
})

test('what the client keeps to itself is passed over, if it begins where the session is', async () => {
  const session = new Session()
  const { loop, say } = await started(async () => session)
  say('join', { memberAssignment: { [topic]: [3] } })
  await Promise.resolve()
  const batch = { topic, partition: 3, batchSize: 0, firstOffset: '10', lastOffset: '12' }
  say('end', { ...batch, batchSize: 2 })
  say('end', { ...batch, firstOffset: '11' })
  say('end', { ...batch, firstOffset: null })
  say('end', { ...batch, partition: 4 })
  expect(session.position).toBe(10)
  say('end', batch)
  expect(session.position).toBe(13)
  await loop.stop()
})

test('a partition that is not open yet is named, without a position', async () => {
  const opening = Promise.withResolvers<Session>()
  const { loop, say } = await started(() => opening.promise)
  say('join', { memberAssignment: { [topic]: [3] } })
  expect(loop.standings).toEqual([{ partition: 3, position: null, isBusy: false }])
  opening.resolve(new Session())
  await opening.promise
  expect(loop.standings).toEqual([{ partition: 3, position: 10, isBusy: false }])
  await loop.stop()
})

test('a session that opens while the client begins anew ends nothing', async () => {
  const { loop, say, seeks } = await started(async () => new Session(), false)
  say('join', { memberAssignment: { [topic]: [3] } })
  await new Promise((resolve) => setImmediate(resolve))
  expect([[...loop.sessions.keys()], seeks]).toEqual([[3], []])
  await loop.stop()
})

test('while a batch is handled nothing is fetched: that is no silence of Kafka, however long it takes', async () => {
  const session = new Session()
  const handling = Promise.withResolvers<'done'>()
  session.handle = () => handling.promise
  const { loop, say, handOut } = await started(async () => session)
  say('join', { memberAssignment: { [topic]: [3] } })
  expect(loop.idleMs).toBeGreaterThan(0)
  const messages = [{ offset: '10', timestamp: '0' }]
  const batch = { topic, partition: 3, messages, fetchedOffset: '10', lastOffset: () => '10' }
  const heartbeat = async (): Promise<void> => undefined
  const handled = handOut({ batch, heartbeat, isRunning: () => true, resolveOffset: () => undefined })
  expect(loop.idleMs).toBe(0)
  const before = performance.now()
  handling.resolve('done')
  await handled
  expect(loop.idleMs).toBeGreaterThan(0)
  expect(loop.idleMs).toBeLessThanOrEqual(performance.now() - before)
  await loop.stop()
})

test('a batch that cannot be handled now is handed out again later, and is no silence of Kafka', async () => {
  const session = new Session()
  const answers = [Promise.reject(new Error('no schema yet')), Promise.resolve('done' as const)]
  session.handle = () => answers.shift() ?? Promise.reject(new Error('asked too often'))
  const { loop, say, handOut } = await started(async () => session)
  say('join', { memberAssignment: { [topic]: [3] } })
  const resumed = Promise.withResolvers<void>()
  const resolved: string[] = []
  const payload = {
    batch: { topic, partition: 3, messages: [{ offset: '10' }], fetchedOffset: '10', lastOffset: () => '10' },
    heartbeat: async (): Promise<void> => undefined,
    isRunning: () => true,
    resolveOffset: (offset: string) => resolved.push(offset),
    pause: () => () => resumed.resolve(),
  }
  await handOut(payload)
  expect([resolved, loop.standings]).toEqual([[], [{ partition: 3, position: 10, isBusy: true }]])
  await resumed.promise
  await handOut(payload)
  expect([resolved, loop.standings]).toEqual([['10'], [{ partition: 3, position: 10, isBusy: false }]])
  await loop.stop()
})

test('what the group says is left to the client', async () => {
  const session = new Session()
  const lost = new kafkajs.KafkaJSError('the coordinator is not aware of this member')
  session.handle = () => Promise.reject(lost)
  const { loop, say, handOut } = await started(async () => session)
  say('join', { memberAssignment: { [topic]: [3] } })
  const batch = { topic, partition: 3, messages: [], fetchedOffset: '10', lastOffset: () => '10' }
  const handed = handOut({ batch, heartbeat: async () => undefined, isRunning: () => true })
  await expect(handed).rejects.toBe(lost)
  await loop.stop()
})

test('a session that is no longer that of its partition opens nothing anew', async () => {
  const sessions: Session[] = []
  const { loop, say } = await started(async () => {
    const session = new Session()
    sessions.push(session)
    return session
  })
  say('join', { memberAssignment: { [topic]: [3] } })
  await Promise.resolve()
  const [session] = sessions
  if (session === undefined) throw new Error('nothing was opened')
  say('join', { memberAssignment: { [topic]: [4] } })
  await Promise.resolve()
  loop.reopen(3, session)
  expect([sessions.length, [...loop.sessions.keys()]]).toEqual([2, [4]])
  await loop.stop()
})
