import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { cached } from './cache.ts'
import type { Engine, EngineContext, EnginePorts } from './engine.ts'
import { keptClasses } from './java-classes.ts'
import { freePorts } from './ports.ts'
import { runCommand } from './run-command.ts'

/** The same as in `deploy/docker-compose.yml`. */
export const KAFKA_VERSION = '4.4.0'
const POM = new URL('./maven/pom.xml', import.meta.url).pathname
const HEAP = ['-Xmx512m', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/** For a command that is over before a compiler pays. */
const BRIEF = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/** Apache Kafka in KRaft mode, broker and controller in one process. */
export const kafka: Engine = {
  name: 'kafka',
  variable: 'KAFKA_BROKERS',
  portVariable: 'TALLYGATE_KAFKA_PORT',
  tools: {
    java: 'install Java 17 or newer (Debian: apt-get install -y openjdk-17-jre-headless)',
    mvn: 'install Maven (Debian: apt-get install -y maven)',
  },
  fetch: async (context) => {
    await fetchKafka(context)
  },
  async prepare({ data, ports, ...context }) {
    const java = await fetchKafka(context)
    const settings = await layOut(java, data, ports)
    return { name: 'kafka', file: 'java', args: kafkaArgs(java, settings), port: ports.kafka }
  },
  address: (ports) => `127.0.0.1:${ports.kafka}`,
  async ping(address) {
    const client = new Kafka({
      brokers: address.split(','),
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    })
    const admin = client.admin()
    try {
      await admin.connect()
      await admin.listTopics()
    } finally {
      await admin.disconnect()
    }
  },
}

/** Options of Java for what Kafka brings along: where its libraries are, and their classes, read and checked. */
export type KafkaJava = readonly string[]

/** Kafka's libraries and the classes that a broker loads of them, had once. */
export async function fetchKafka({
  cache,
  report,
}: Pick<EngineContext, 'cache' | 'report'>): Promise<KafkaJava> {
  const name = `kafka-${KAFKA_VERSION}`
  const home = await cached({
    cache,
    name,
    onFill: () => report('downloading'),
    fill: async (directory) => {
      const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
      await runCommand('mvn', ['-q', '-B', '-f', POM, goal, `-DoutputDirectory=${join(directory, 'lib')}`])
    },
  })
  const libraries = ['-cp', `${join(home, 'lib')}/*`]
  const classes = await keptClasses({
    cache,
    name,
    onFill: () => report('preparing'),
    lay: async (directory, options) => {
      const [broker = 0, controller = 0] = await freePorts(2)
      const settings = await layOut(libraries, directory, { kafka: broker, controller })
      return {
        args: kafkaArgs([...options, ...libraries], settings),
        ping: () => kafka.ping(`127.0.0.1:${broker}`),
      }
    },
  })
  return [...classes, ...libraries]
}

/** How Java runs a broker with a file of settings. */
export function kafkaArgs(java: KafkaJava, settings: string): readonly string[] {
  return [...HEAP, ...java, 'kafka.Kafka', settings]
}

/**
 * A new name for brokers that belong together, as Kafka writes ids: 16 bytes in base64url; none that begins with a dash,
 * which its tool takes for an option.
 */
export function clusterId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? clusterId() : id
}

interface FormatOptions {
  readonly java: KafkaJava
  readonly settings: string
  readonly id: string
}

/** Makes a broker's directory ready for its first start. */
export async function formatKafka({ java, settings, id }: FormatOptions): Promise<void> {
  const format = ['format', '-t', id, '-c', settings, '--ignore-formatted']
  await runCommand('java', [...BRIEF, ...java, 'kafka.tools.StorageTool', ...format])
}

/** Writes settings of a broker for its data in a directory, and has that formatted once; where the settings are. */
async function layOut(
  java: KafkaJava,
  data: string,
  ports: Pick<EnginePorts, 'kafka' | 'controller'>,
): Promise<string> {
  const settings = join(data, 'server.properties')
  mkdirSync(data, { recursive: true })
  writeFileSync(settings, propertiesOf(data, ports))
  if (!existsSync(join(data, 'log', 'meta.properties')))
    await formatKafka({ java, settings, id: clusterId() })
  return settings
}

function propertiesOf(
  data: string,
  { kafka: broker, controller }: Pick<EnginePorts, 'kafka' | 'controller'>,
): string {
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${broker}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(data, 'log'),
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    'log.retention.hours': 336,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
