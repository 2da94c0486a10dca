import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '#deploy/local/ports.ts'
import { RedisServer } from '#test/chaos/redis-server.ts'
import { oddRequest } from '#test/fuzz/odd-request.ts'
import { sendBytes } from '#test/fuzz/send-bytes.ts'
import { boot } from '#test/helpers/boot.ts'
import { runCli } from '#test/helpers/cli.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { ownAddresses } from '#test/helpers/own-system.ts'
import { seededRandom, seedOfRun } from '#test/helpers/random.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

/** What must stand in no line that anything of ours prints. */
const planted = {
  redis: 'planted/redis "password"',
  registry: 'planted-registry-password',
  mongo: 'planted-mongo-password',
  kafka: 'planted-kafka-password',
}
const TRACE = { LOG_LEVEL: 'trace' }

let server: RedisServer
let system: System
const printed: { readonly what: string; readonly text: string }[] = []

beforeAll(async () => {
  server = await RedisServer.start()
  await makeUser()
  const { registry, ...addresses } = ownAddresses()
  const login = (url: string, password: string): string =>
    url.replace('://', `://app:${encodeURIComponent(password)}@`)
  system = await startSystem(['api', 'consumers'], TRACE, {
    ...addresses,
    redis: login(`redis://127.0.0.1:${server.port}`, planted.redis),
    registry: login(registry, planted.registry),
  })
}, 180_000)
afterAll(async () => {
  await system.stop()
  await server.stop()
})

/** Users stand in no file here: with a restart the login is wrong until it is made again. */
async function makeUser(): Promise<void> {
  const rules = ['on', `>${planted.redis}`, '~*', '&*', '+@all']
  await server.ask((redis) => redis.acl('SETUSER', 'app', ...rules))
}

/** Every place a caller could put its key by mistake. */
async function spillKey(): Promise<void> {
  const { key, api } = system
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'x-key': key,
    cookie: key,
  }
  const paths = [
    `/v1/check?key=${key}`,
    `/v1/workspaces/${key}/usage?feature=${key}`,
    `/${key}%ff`,
    `/${key.repeat(4)}`,
  ]
  for (const path of paths) await fetch(`${api}${path}`, { headers })
  const bodies = [
    { workspace: key, feature: key },
    { [key]: key },
    { workspace: 'w', feature: 'leads', after: key },
  ]
  for (const body of bodies)
    await fetch(`${api}/v1/check`, { method: 'POST', headers, body: JSON.stringify(body) })
  await fetch(`${api}/v1/check`, { method: 'POST', headers, body: key })
  await sendBytes(Number(new URL(api).port), Buffer.from(`GET /v1/${key} HTTP/9.9\r\n${key}\r\n\r\n`))
}

/** Calls while Redis is away: errors of the client carry the calls that failed, its login among them. */
async function breakRedis(): Promise<void> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const items = [{ feature: 'ai_credits', quantity: 1 }]
  const use = { workspace: workspace.id, id: 'c', items }
  expect((await workspace.post('/v1/consume', use)).status).toBe(200)
  const before = system.wholeLogOf('consumers').length
  await server.kill()
  expect((await workspace.post('/v1/consume', use)).status).toBe(503)
  await server.start()
  await eventually(
    async () => system.wholeLogOf('consumers'),
    (log) => log.slice(before).includes('"err"'),
    { what: 'the consumers to say that Redis does not take them' },
  )
  await makeUser()
}

async function bootBadly(): Promise<void> {
  const [nobody = 0] = await freePorts(1)
  const at = (scheme: string, password: string): string =>
    `${scheme}://app:${encodeURIComponent(password)}@127.0.0.1:${nobody}/tallygate`
  const wrong: readonly Readonly<Record<string, string>>[] = [
    { MONGODB_URL: at('mongodb', planted.mongo) },
    { MONGODB_URL: `${at('mongodb', planted.mongo)}?w=nobody&authMechanism=none` },
    { REDIS_URL: at('redis', planted.redis) },
    { REDIS_URL: `redis://app:${planted.mongo}@127.0.0.1:${server.port}` },
    { SCHEMA_REGISTRY_URL: at('http', planted.registry) },
    { SCHEMA_REGISTRY_URL: at('http', planted.registry).replace('127', ' 127') },
    { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'app', KAFKA_SASL_PASSWORD: planted.kafka },
    { KAFKA_SASL_MECHANISM: planted.kafka, KAFKA_SASL_PASSWORD: planted.kafka },
    { TALLYGATE_KEY_PEPPER: 'planted-pepper', API_PORT: 'x' },
  ]
  const short = { CONSUMERS_PORT: '0', START_DEADLINE_MS: '3000' }
  const good = { ...system.env, REDIS_URL: String(process.env['REDIS_URL']), ...TRACE, ...short }
  const boots = wrong.map((settings) => {
    return { name: 'API_PORT' in settings ? 'api' : 'consumers', settings } as const
  })
  await Promise.all(
    boots.map(async ({ name, settings }) => {
      const { code, output } = await boot(name, { ...good, ...settings })
      expect(code, output).toBe(1)
      printed.push({ what: `${name} with ${Object.keys(settings).join()}`, text: output })
    }),
  )
}

async function commandsThatFail(): Promise<void> {
  const workspace = new TestWorkspace(system)
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created' })
  await workspace.counted()
  const [nobody = 0] = await freePorts(1)
  const dead = (scheme: string, password: string): string =>
    `${scheme}://app:${encodeURIComponent(password)}@127.0.0.1:${nobody}/tallygate`
  const tries: readonly (readonly [readonly string[], Readonly<Record<string, string>>])[] = [
    [['verify'], { MONGODB_URL: dead('mongodb', planted.mongo) }],
    [['verify'], { REDIS_URL: dead('redis', planted.redis) }],
    [['verify'], { SCHEMA_REGISTRY_URL: dead('http', planted.registry) }],
    [['key', 'list'], { MONGODB_URL: dead('mongodb', planted.mongo) }],
    [['check', 'w', 'leads'], { TALLYGATE_API: dead('http', planted.registry) }],
    [['check', system.key, 'leads'], { TALLYGATE_KEY: `${system.key.slice(0, -4)}abcd` }],
    [['verify'], { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_PASSWORD: planted.kafka }],
  ]
  for (const [args, env] of tries) {
    const { code, out, err } = await runCli(system, args, env)
    expect(code, `${args.join(' ')} ${Object.keys(env).join()}: ${out}${err}`).not.toBe(0)
    printed.push({ what: `tallygate ${args[0]} with ${Object.keys(env).join()}`, text: `${out}${err}` })
  }
}

test('G22: no secret stands in any line that API, consumers and commands print at trace, whatever fails', async () => {
  const seed = seedOfRun()
  const random = seededRandom(seed)
  await spillKey()
  for (let sent = 0; sent < 200; sent += 1)
    await sendBytes(Number(new URL(system.api).port), oddRequest({ random, key: system.key }).bytes)
  await bootBadly()
  await commandsThatFail()
  await breakRedis()
  for (const name of ['api', 'consumers'] as const)
    printed.push({ what: name, text: system.wholeLogOf(name) })
  const secrets = [
    ...Object.values(planted),
    system.key.slice(17),
    String(system.env['TALLYGATE_KEY_PEPPER']),
    'planted-pepper',
  ]
  const forms = secrets.flatMap((secret) => [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ])
  const leaks = printed.flatMap(({ what, text }) =>
    forms.flatMap((form) => {
      const at = text.indexOf(form)
      return at === -1 ? [] : [`${what}: …${text.slice(Math.max(at - 200, 0), at + 40)}`]
    }),
  )
  expect(leaks, `seed ${seed}`).toEqual([])
  const bytes = printed.reduce((sum, { text }) => sum + text.length, 0)
  console.log(
    `G22: ${secrets.length} secrets searched for in ${bytes} bytes of ${printed.length} logs: 0 found`,
  )
}, 300_000)
