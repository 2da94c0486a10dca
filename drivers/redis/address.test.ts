import { expect, test } from 'vitest'
import { isClusterUrl, parseClusterUrl, redisProblems } from './address.ts'

const problemsOf = (url: string): readonly string[] => redisProblems({ REDIS_URL: url })

test('the address of a cluster names nodes, who logs in, and whether to speak TLS', () => {
  const url = 'rediss+cluster://app:p%40ss%2Fword@a.example:6379,10.0.0.2:6380,[::1]:7000/'
  expect(isClusterUrl(url)).toBe(true)
  expect(parseClusterUrl(url)).toEqual({
    nodes: [
      { host: 'a.example', port: 6_379 },
      { host: '10.0.0.2', port: 6_380 },
      { host: '::1', port: 7_000 },
    ],
    username: 'app',
    password: 'p@ss/word',
    tls: true,
  })
  expect(parseClusterUrl('redis+cluster://:secret@a:1')).toMatchObject({
    username: undefined,
    password: 'secret',
    tls: false,
  })
})

test.for([
  'redis://127.0.0.1:6379',
  'redis://app:p%40ss@redis.example:6379/2',
  'rediss://redis.example',
  'redis+cluster://a:1',
  'redis+cluster://a:1,b:2',
])('%s is fine', (url) => {
  expect(problemsOf(url)).toEqual([])
})

test.for([
  ['redis://a:1,b:2', 'redis+cluster://'],
  ['redis://app:secret@a:1,b:2/0', 'redis+cluster://'],
  ['redis://app:sec^ret@[a:1', 'percent-encoded'],
  ['redis+cluster://', 'node 1'],
  ['redis+cluster://a', 'node 1'],
  ['redis+cluster://a:1,', 'node 2'],
  ['redis+cluster://a:1, b:2', 'node 2'],
  ['redis+cluster://a:0', 'node 1'],
  ['redis+cluster://a:65536', 'node 1'],
  ['redis+cluster://a:1,a:1', 'twice'],
  ['redis+cluster://a:1/3', 'database'],
  ['redis+cluster://a:1?family=6', 'options'],
  ['redis+cluster://secret@a:1', 'user:password'],
  ['redis+cluster://app:se:cret@a:1', 'percent-encode'],
  ['redis+cluster://app:secret%@a:1', 'percent-encoded'],
  ['redis+cluster://app:secret/more@a:1', 'redis+cluster://user:password@host:port'],
] as const)('%s is refused with a sentence that repeats no secret', ([url, named]) => {
  const [problem = ''] = problemsOf(url)
  expect(problem).toContain('REDIS_URL')
  expect(problem).toContain(named)
  expect(problem).not.toContain('secret')
})
