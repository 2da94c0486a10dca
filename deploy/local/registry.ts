import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cache.ts'
import type { Engine, EngineContext } from './engine.ts'
import { keptClasses } from './java-classes.ts'
import { freePorts } from './ports.ts'
import { runCommand } from './run-command.ts'

const VERSION = '2.6.13.Final'
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`

/** One quick compiler: it is asked a few times a start, and starts in a third of the time. */
const JAVA = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** Apicurio Registry, spoken to through its Confluent-compatible API; ids survive a restart. */
export const registry: Engine = {
  name: 'registry',
  variable: 'SCHEMA_REGISTRY_URL',
  portVariable: 'TALLYGATE_REGISTRY_PORT',
  tools: {
    java: 'install Java 17 or newer (Debian: apt-get install -y openjdk-17-jre-headless)',
    mvn: 'install Maven (Debian: apt-get install -y maven)',
    tar: 'install tar',
  },
  fetch: async (context) => {
    await fetchRegistry(context)
  },
  async prepare({ data, ports, ...context }) {
    const { jar, classes } = await fetchRegistry(context)
    mkdirSync(data, { recursive: true })
    return {
      name: 'registry',
      file: 'java',
      args: [...JAVA, ...classes, ...optionsOf(ports.registry), '-jar', jar],
      env: envOf(data),
      port: ports.registry,
    }
  },
  address: (ports) => `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`,
  async ping(address) {
    const response = await fetch(`${address}/subjects`, { signal: AbortSignal.timeout(2_000) })
    if (!response.ok) throw new Error(`the registry answered ${response.status}`)
  },
}

interface RegistryFiles {
  readonly jar: string
  /** Options of Java by which it finds its classes read and checked. */
  readonly classes: readonly string[]
}

/** The registry and the classes that it loads, had once. */
async function fetchRegistry({
  cache,
  report,
}: Pick<EngineContext, 'cache' | 'report'>): Promise<RegistryFiles> {
  const name = `apicurio-${VERSION}`
  const home = await cached({
    cache,
    name,
    onFill: () => report('downloading'),
    fill: async (directory) => {
      const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
      await runCommand('mvn', ['-q', '-B', goal, `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${directory}`])
      const archive = readdirSync(directory).find((file) => file.endsWith('.tar.gz'))
      if (archive === undefined) throw new Error(`${ARTIFACT} was not downloaded`)
      await runCommand('tar', ['-xzf', archive], { cwd: directory })
      await runCommand('rm', [archive], { cwd: directory })
    },
  })
  const file = readdirSync(home).find((entry) => entry.endsWith('-runner.jar'))
  if (file === undefined) throw new Error(`${home} has no runner jar; remove that folder and start again`)
  const jar = join(home, file)
  const classes = await keptClasses({
    cache,
    name,
    onFill: () => report('preparing'),
    lay: async (directory, options) => {
      const [port = 0] = await freePorts(1)
      return {
        args: [...JAVA, ...options, ...optionsOf(port), '-jar', jar],
        env: envOf(directory),
        ping: () => registry.ping(`http://127.0.0.1:${port}/apis/ccompat/v7`),
      }
    },
  })
  return { jar, classes }
}

function optionsOf(port: number): readonly string[] {
  return [`-Dquarkus.http.port=${port}`, '-Dquarkus.http.host=127.0.0.1']
}

function envOf(data: string): Readonly<Record<string, string>> {
  return { REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(data, 'registry')}` }
}
