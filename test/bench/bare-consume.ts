import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import { Kafka, logLevel, type Message, Partitioners, type Producer } from 'kafkajs'
import type { EngineAddresses } from '#test/helpers/addresses.ts'
import { createBareTopic } from './bare-topic.ts'

/** A hold as short as one can be: known operations, one limit, one sum, one record of it. */
const SCRIPT = `
if redis.call('EXISTS', KEYS[2]) == 1 then return 'AGAIN' end
local use = redis.call('HMGET', KEYS[1], 'used', 'held')
if tonumber(use[1] or '0') + tonumber(use[2] or '0') + ARGV[1] > tonumber(ARGV[2]) then return 'DENY' end
redis.call('HINCRBY', KEYS[1], 'held', ARGV[1])
redis.call('SET', KEYS[2], ARGV[3], 'PX', 172800000)
return 'OK'`

const TOPIC = 'bench.bare-consume'
/** As long as an event of ours is. */
const EVENT_BYTES = 110

/** Holds and writes without any of our code. */
export interface BareConsume {
  /** One operation of a workspace: held, then in the log with acks all. */
  readonly once: (workspace: string, operation: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** Opens a hold script and batched produce: what consuming cannot be faster than with this Redis and this broker. */
export async function openBareConsume({ redis: url, kafka: brokers }: EngineAddresses): Promise<BareConsume> {
  const redis = new Redis(url)
  const sha = createHash('sha1').update(SCRIPT).digest('hex')
  await redis.script('LOAD', SCRIPT)
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING })
  await createBareTopic(kafka, TOPIC)
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const write = batched(producer)
  return {
    once: async (workspace, operation) => {
      const keys = [`bare:{${workspace}}`, `bare:{${workspace}}:${operation}`]
      const said = await redis.evalsha(sha, 2, ...keys, '1', '1000000000000', 'held')
      if (said !== 'OK') throw new Error(`the bare hold was ${String(said)}`)
      await write({ key: workspace, value: operation.padEnd(EVENT_BYTES, '.') })
    },
    close: async () => {
      await producer.disconnect()
      await redis.quit()
    },
  }
}

/** One request after another, each with everything that has come meanwhile. */
function batched(producer: Producer): (message: Message) => Promise<void> {
  let waiting: Message[] = []
  let next = Promise.withResolvers<void>()
  let isBusy = false
  const send = async (): Promise<void> => {
    isBusy = true
    while (waiting.length > 0) {
      const [messages, sent] = [waiting, next]
      waiting = []
      next = Promise.withResolvers<void>()
      await producer.send({ topic: TOPIC, acks: -1, messages }).then(() => sent.resolve(), sent.reject)
    }
    isBusy = false
  }
  return (message) => {
    waiting.push(message)
    const { promise } = next
    if (!isBusy) void send()
    return promise
  }
}
