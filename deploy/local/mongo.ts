import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { cached } from './cache.ts'
import type { Engine } from './engine.ts'
import { runCommand } from './run-command.ts'

const VERSION = '1.24.0-1'
const SOURCE = new URL('./mongo-stand-in/', import.meta.url).pathname

/** A stand-in that speaks MongoDB's wire protocol over SQLite files; what it lacks, our code may not need. */
export const mongo: Engine = {
  name: 'mongo',
  variable: 'MONGODB_URL',
  portVariable: 'TALLYGATE_MONGO_PORT',
  tools: { go: 'install Go 1.21 or newer (Debian: apt-get install -y golang-go)' },
  fetch: ({ cache, report }) =>
    cached({
      cache,
      name: `mongo-stand-in-${VERSION}`,
      onFill: () => report('building'),
      fill: async (directory) => {
        const source = join(directory, 'source')
        cpSync(SOURCE, source, { recursive: true })
        await runCommand('go', ['build', '-trimpath', '-o', join(directory, 'mongo-stand-in'), '.'], {
          cwd: source,
        })
      },
    }),
  async prepare({ data, ports, ...context }) {
    const home = await this.fetch(context)
    mkdirSync(data, { recursive: true })
    const args = ['-listen', `127.0.0.1:${ports.mongo}`, '-dir', data]
    return { name: 'mongo', file: join(home, 'mongo-stand-in'), args, port: ports.mongo }
  },
  address: (ports) => `mongodb://127.0.0.1:${ports.mongo}/tallygate`,
  async ping(address) {
    const client = new MongoClient(address, { serverSelectionTimeoutMS: 1_000 })
    try {
      await client.db().command({ ping: 1 })
    } finally {
      await client.close()
    }
  },
}
