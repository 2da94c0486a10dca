import type { TopicName } from '#schemas/records.ts'

/** A letter holds a whole record of a broker's default bound (1 MiB), and why it was set aside. */
export const LETTER_BYTES_MAX = 2_097_152

/** A topic as Kafka describes it. */
export interface TopicFound {
  readonly topic: TopicName
  /** Of the partition that has the fewest. */
  readonly replicas: number
  /** Values of its settings by name, also of those that nobody set. */
  readonly settings: ReadonlyMap<string, string>
}

/** What a topic that was made elsewhere must have, too. */
interface Setting {
  readonly name: string
  readonly wanted: string
  readonly isRight: (value: string) => boolean
  /** What goes wrong without it. */
  readonly why: string
}

const SETTINGS: readonly Setting[] = [
  {
    name: 'message.timestamp.type',
    wanted: 'LogAppendTime',
    isRight: (value) => value === 'LogAppendTime',
    why: 'what is late, and when an id is forgotten, would follow the clocks of producers',
  },
  {
    name: 'cleanup.policy',
    wanted: 'delete',
    isRight: (value) => value === 'delete',
    why: 'of each workspace the newest record alone would be kept',
  },
]
/** Of topics with several replicas. */
const REPLICATED: Setting = {
  name: 'min.insync.replicas',
  wanted: '2',
  isRight: (value) => Number(value) >= 2,
  why: 'what was acknowledged would be lost with one broker where the others were behind',
}
const LETTER: Setting = {
  name: 'max.message.bytes',
  wanted: String(LETTER_BYTES_MAX),
  isRight: (value) => Number(value) >= LETTER_BYTES_MAX,
  why: 'a large record could not be set aside, and its partition would stand still',
}

/** What is wrong with the settings of a topic: a sentence for each, with the command that mends it. */
export function topicProblems({ topic, replicas, settings }: TopicFound): readonly string[] {
  const wanted = [
    ...SETTINGS,
    ...(replicas > 1 ? [REPLICATED] : []),
    ...(topic === 'dead.letters' ? [LETTER] : []),
  ]
  return wanted
    .filter(({ name, isRight }) => !isRight(settings.get(name) ?? ''))
    .map(({ name, wanted: value, why }) => {
      const command = `kafka-configs --alter --topic ${topic} --add-config ${name}=${value}`
      return `topic ${topic} has ${name}=${settings.get(name) ?? 'nothing'}: ${why}; ${command}`
    })
}
