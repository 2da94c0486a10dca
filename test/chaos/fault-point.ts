import { ServerResponse } from 'node:http'
import { Redis } from 'ioredis'
import kafkajs from 'kafkajs'

/**
 * Preloaded into an API (`node --import`): it is killed at FAULT_POINT, the FAULT_NTH time that it comes there.
 *
 * A point is the moment before a call is made, while it is on its way, or after it was answered.
 */
const [wanted, nth] = [process.env['FAULT_POINT'] ?? '', Number(process.env['FAULT_NTH'] ?? 1)]
let seen = 0

/** What is answered too early gets out in this time, ms. */
const LAST_MOMENTS_MS = 100

function isDue(point: string): boolean {
  if (point !== wanted) return false
  seen += 1
  return seen >= nth
}

function reach(point: string): void {
  if (isDue(point)) process.kill(process.pid, 'SIGKILL')
}

type AnyCall = (...args: readonly unknown[]) => Promise<unknown>

/** The call is never made, and whatever does not wait for it goes on for a moment. */
async function dieLater(): Promise<never> {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_MOMENTS_MS)
  return new Promise(() => undefined)
}

/** The call with the three points of a step around it. */
function around(step: string, call: AnyCall): AnyCall {
  return async (...args) => {
    if (isDue(`before ${step}`)) await dieLater()
    const answer = call(...args)
    setImmediate(() => reach(`during ${step}`))
    const value = await answer
    reach(`after ${step}`)
    return value
  }
}

/** Which script is called, by what only it is given. */
function stepOf(args: readonly unknown[]): string | null {
  if (args.includes('committing')) return 'hold'
  if (args.includes('held')) return 'reserve'
  return args[1] === 5 && args.length === 11 ? 'commit' : null
}

const evalsha: AnyCall = Redis.prototype.evalsha as unknown as AnyCall
Reflect.set(Redis.prototype, 'evalsha', function (this: Redis, ...args: readonly unknown[]) {
  const call: AnyCall = (...given) => Reflect.apply(evalsha, this, given)
  const step = stepOf(args)
  return step === null ? call(...args) : around(step, call)(...args)
})

const producer: kafkajs.Kafka['producer'] = kafkajs.Kafka.prototype.producer
kafkajs.Kafka.prototype.producer = function (config) {
  const made = Reflect.apply(producer, this, [config])
  const sendBatch = made.sendBatch as unknown as AnyCall
  return { ...made, sendBatch: around('produce', sendBatch) as unknown as typeof made.sendBatch }
}

const end = ServerResponse.prototype.end as unknown as (...args: readonly unknown[]) => unknown
Reflect.set(ServerResponse.prototype, 'end', function (this: ServerResponse, ...args: readonly unknown[]) {
  const isUse = /^\/v1\/(consume|reservations)/.test(this.req.url ?? '')
  if (isUse) reach('before reply')
  const ended: unknown = Reflect.apply(end, this, args)
  if (isUse) reach('during reply')
  return ended
})
