import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cache.ts'
import type { Engine } from './engine.ts'
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
  fetch: ({ cache, report }) =>
    cached({
      cache,
      name: `apicurio-${VERSION}`,
      onFill: () => report('downloading'),
      fill: async (directory) => {
        const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
        await runCommand('mvn', [
          '-q',
          '-B',
          goal,
          `-Dartifact=${ARTIFACT}`,
          `-DoutputDirectory=${directory}`,
        ])
        const archive = readdirSync(directory).find((name) => name.endsWith('.tar.gz'))
        if (archive === undefined) throw new Error(`${ARTIFACT} was not downloaded`)
        await runCommand('tar', ['-xzf', archive], { cwd: directory })
        await runCommand('rm', [archive], { cwd: directory })
      },
    }),
  async prepare({ data, ports, ...context }) {
    const home = await this.fetch(context)
    const jar = readdirSync(home).find((name) => name.endsWith('-runner.jar'))
    if (jar === undefined) throw new Error(`${home} has no runner jar; remove that folder and start again`)
    mkdirSync(data, { recursive: true })
    const options = [`-Dquarkus.http.port=${ports.registry}`, '-Dquarkus.http.host=127.0.0.1']
    return {
      name: 'registry',
      file: 'java',
      args: [...JAVA, ...options, '-jar', join(home, jar)],
      env: { REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(data, 'registry')}` },
      port: ports.registry,
    }
  },
  address: (ports) => `http://127.0.0.1:${ports.registry}/apis/ccompat/v7`,
  async ping(address) {
    const response = await fetch(`${address}/subjects`, { signal: AbortSignal.timeout(2_000) })
    if (!response.ok) throw new Error(`the registry answered ${response.status}`)
  },
}
