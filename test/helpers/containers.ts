import { DockerComposeEnvironment, type StartedDockerComposeEnvironment } from 'testcontainers'
import type { EngineAddresses } from '#deploy/local/engines.ts'
import { freePorts } from '#deploy/local/ports.ts'

/** The official images of deploy/docker-compose.yml on free ports, for a test run where Docker answers. */
export async function startContainers(): Promise<{
  readonly addresses: EngineAddresses
  readonly stop: () => Promise<void>
}> {
  const [kafka = 0, registry = 0, redis = 0, mongo = 0] = await freePorts(4)
  const directory = new URL('../../deploy/', import.meta.url).pathname
  const environment: StartedDockerComposeEnvironment = await new DockerComposeEnvironment(
    directory,
    'docker-compose.yml',
  )
    .withProjectName(`tallygate-test-${process.pid}`)
    .withEnvironment({
      TALLYGATE_KAFKA_PORT: String(kafka),
      TALLYGATE_REGISTRY_PORT: String(registry),
      TALLYGATE_REDIS_PORT: String(redis),
      TALLYGATE_MONGO_PORT: String(mongo),
    })
    .up()
  return {
    addresses: {
      kafka: `127.0.0.1:${kafka}`,
      registry: `http://127.0.0.1:${registry}/apis/ccompat/v7`,
      redis: `redis://127.0.0.1:${redis}`,
      mongo: `mongodb://127.0.0.1:${mongo}/tallygate`,
    },
    stop: async () => {
      await environment.down({ removeVolumes: true })
    },
  }
}
