import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from '#deploy/local/cache.ts'
import { runCommand } from '#deploy/local/run-command.ts'

const library = join(cacheDir(process.env), 'kafka-4.4.0', 'lib')
const program = join(import.meta.dirname, 'java', 'ProduceFiles.java')

/** Why records cannot be written with Kafka's own Java client here; null when they can. */
export function missingJava(): string | null {
  return existsSync(library)
    ? null
    : `Kafka's Java client is not in ${library}; it comes with the local engines`
}

interface JavaRecords {
  readonly brokers: string
  readonly topic: string
  readonly key: string
  /** `codec:file` or `codec:zeros=bytes`, each a batch of its own. */
  readonly values: readonly string[]
}

/** Writes records with Kafka's own Java client, each compressed by the codec that it names. */
export async function produceWithJava({ brokers, topic, key, values }: JavaRecords): Promise<void> {
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'
  await runCommand('java', ['-Xmx1g', quiet, '-cp', `${library}/*`, program, brokers, topic, key, ...values])
}
