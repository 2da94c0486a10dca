import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MongoClient } from 'mongodb'
import { cached } from './cache.ts'
import type { Engine, EngineContext } from './engine.ts'
import { runCommand } from './run-command.ts'

const VERSION = '1.24.0-2'
const SOURCE = new URL('./mongo-stand-in/', import.meta.url).pathname

/** A stand-in that speaks MongoDB's wire protocol over SQLite files; what it lacks, our code may not need. */
export const mongo: Engine = {
  name: 'mongo',
  variable: 'MONGODB_URL',
  portVariable: 'TALLYGATE_MONGO_PORT',
  tools: { go: 'install Go 1.21 or newer (Debian: apt-get install -y golang-go)' },
  fetch: async (context) => {
    await fetchStandIn(context)
  },
  async prepare({ data, ports, ...context }) {
    const home = await fetchStandIn(context)
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

/** The stand-in, built once. */
async function fetchStandIn({ cache, report }: Pick<EngineContext, 'cache' | 'report'>): Promise<string> {
  return cached({
    cache,
    name: `mongo-stand-in-${VERSION}`,
    onFill: () => report('building'),
    fill: async (directory) => {
      const source = join(directory, 'source')
      cpSync(SOURCE, source, { recursive: true })
      await useIndexes(source)
      await runCommand('go', ['build', '-trimpath', '-o', join(directory, 'mongo-stand-in'), '.'], {
        cwd: source,
      })
    },
  })
}

const MODULE = 'github.com/FerretDB/FerretDB'

/** What is changed in the module, by file: its index holds `_id` under another expression than its queries ask for. */
const CHANGES: Readonly<Record<string, readonly [string, string]>> = {
  'metadata/metadata.go': [`DefaultColumn + "->'$._id'"`, `DefaultColumn + "->'_id'"`],
  'collection.go': [
    '\tq += whereClause\n',
    '\tif whereClause == "" {\n\t\twhereClause, args = idRange(params.Filter)\n\t}\n\tq += whereClause\n',
  ],
}

/**
 * Has the module find documents by the index of their `_id`, as MongoDB does: it reads and parses a whole collection for
 * each question, which took a seventh of the processor time of all tests.
 */
async function useIndexes(source: string): Promise<void> {
  const go = (...args: string[]): Promise<string> => runCommand('go', args, { cwd: source })
  await go('mod', 'download', MODULE)
  const said = await go('list', '-m', '-f', '{{.Dir}}', MODULE)
  const from = said.trim().split('\n').at(-1) ?? ''
  const copy = join(source, 'ferretdb')
  await runCommand('cp', ['-r', from, copy])
  await runCommand('chmod', ['-R', 'u+w', copy])
  const sqlite = join(copy, 'internal', 'backends', 'sqlite')
  for (const [file, [before, after]] of Object.entries(CHANGES)) {
    const path = join(sqlite, file)
    const text = readFileSync(path, 'utf8')
    if (text.split(before).length !== 2)
      throw new Error(`${MODULE}: ${file} is not as it was; look at CHANGES`)
    writeFileSync(
      path,
      text.replace(before, () => after),
    )
  }
  cpSync(join(source, 'sqlite', 'id_range.go'), join(sqlite, 'id_range.go'))
  await go('mod', 'edit', '-replace', `${MODULE}=./ferretdb`)
}
