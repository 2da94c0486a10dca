import { expect, test } from 'vitest'
import { loginProblem } from './url-login.ts'

test.for([
  'http://host:8081/apis',
  'http://user:p%40ss%2Fw%25rd@host:8081',
  'mongodb://u:s3cret@a:1,b:2/db?replicaSet=rs',
  'redis://:pass@host:6379/0',
  'mongodb://h:27017,[::1]:27018/db?appName=team@corp',
])('a login that is percent-encoded, or none, is fine: %s', (url) => {
  expect(loginProblem('A_URL', url)).toBeNull()
})

test.for([
  'http://user:pa/ss@host:8081',
  'http://user:pa#ss@host:8081',
  'http://user:pa?ss@host:8081',
  'http://user:pass%zz@host:8081',
  'mongodb://u:s3cr/et12@h:1/db',
  'redis://user:100%@h:1',
  'redis://user:a@b@h:1',
])('one that is not is named, and not repeated: %s', (url) => {
  expect(loginProblem('A_URL', url)).toBe(
    'A_URL has a user or password that is not percent-encoded (/ as %2F, @ as %40, % as %25)',
  )
})
