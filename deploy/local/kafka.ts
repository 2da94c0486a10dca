import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { cached } from './cache.ts'
import type { Engine, EnginePorts } from './engine.ts'
import { runCommand } from './run-command.ts'

const VERSION = '4.4.0'
const POM = new URL('./maven/pom.xml', import.meta.url).pathname
const HEAP = ['-Xmx512m', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/** Apache Kafka in KRaft mode, broker and controller in one process. */
export const kafka: Engine = {
  name: 'kafka',
  variable: 'KAFKA_BROKERS',
  portVariable: 'TALLYGATE_KAFKA_PORT',
  tools: {
    java: 'install Java 17 or newer (Debian: apt-get install -y openjdk-17-jre-headless)',
    mvn: 'install Maven (Debian: apt-get install -y maven)',
  },
  async prepare({ cache, data, ports, report }) {
    const home = await cached({
      cache,
      name: `kafka-${VERSION}`,
      onFill: () => report('downloading'),
      fill: async (directory) => {
        const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
        await runCommand('mvn', ['-q', '-B', '-f', POM, goal, `-DoutputDirectory=${join(directory, 'lib')}`])
      },
    })
    const classpath = `${join(home, 'lib')}/*`
    const settings = join(data, 'server.properties')
    mkdirSync(data, { recursive: true })
    writeFileSync(settings, propertiesOf(data, ports))
    if (!existsSync(join(data, 'log', 'meta.properties'))) {
      const storage = ['-cp', classpath, 'kafka.tools.StorageTool']
      const id = (await runCommand('java', [...storage, 'random-uuid'])).trim().split('\n').at(-1) ?? ''
      await runCommand('java', [...storage, 'format', '-t', id, '-c', settings, '--ignore-formatted'])
    }
    return {
      name: 'kafka',
      file: 'java',
      args: [...HEAP, '-cp', classpath, 'kafka.Kafka', settings],
      port: ports.kafka,
    }
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

function propertiesOf(data: string, { kafka: broker, controller }: EnginePorts): string {
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
