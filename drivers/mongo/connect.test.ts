import { MongoClient, MongoServerError } from 'mongodb'
import { expect, test } from 'vitest'
import { databaseOf, isMongoAway, mongoProblems } from './connect.ts'

const REPLICA_SET =
  'mongodb://app:p%40ss%2Fword@a.example:27017,b.example:27018,c.example/tallygate?replicaSet=rs0&tls=true&w=majority&readPreference=primary'

test('a replica set is named by several hosts, and its path names the database', () => {
  expect(mongoProblems({ MONGODB_URL: REPLICA_SET })).toEqual([])
  expect(databaseOf(REPLICA_SET)).toBe('tallygate')
  const { options } = new MongoClient(REPLICA_SET)
  expect(options.hosts.map(String)).toEqual(['a.example:27017', 'b.example:27018', 'c.example:27017'])
  expect(options.replicaSet).toBe('rs0')
})

test.for([
  ['mongodb://a:1/usage', 'usage'],
  ['mongodb://a:1,b:2/usage', 'usage'],
  ['mongodb+srv://app:word@cluster.example/usage?retryWrites=true', 'usage'],
  ['mongodb://a:1,b:2', 'tallygate'],
  ['mongodb://a:1,b:2/?replicaSet=rs0', 'tallygate'],
] as const)('%s: database %s', ([url, database]) => {
  expect(databaseOf(url)).toBe(database)
})

test.for(['w=1', 'journal=false', 'readPreference=secondaryPreferred', 'readConcernLevel=available'])(
  'of a replica set %s is refused: what a majority has is what counts',
  (option) => {
    const [problem = ''] = mongoProblems({
      MONGODB_URL: `mongodb://a:1,b:2/tallygate?replicaSet=rs0&${option}`,
    })
    expect(problem).toContain(`MONGODB_URL states ${option}`)
  },
)

test('a process that starts waits for a server that shuts down or recovers, not for one that refuses the login', () => {
  const said = (code: number): MongoServerError => new MongoServerError({ message: 'no', code })
  expect([91, 13_436, 18].map((code) => isMongoAway(said(code)))).toEqual([true, true, false])
})
