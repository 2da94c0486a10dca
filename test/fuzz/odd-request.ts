import { contentTypes, oddPaths, oddValues } from './odd-values.ts'

/** Bytes to be sent on a connection of their own, and what is odd about them. */
export interface OddRequest {
  readonly name: string
  readonly bytes: Buffer
}

interface Sender {
  /** A number from 0 and below. */
  readonly random: (below: number) => number
  readonly key: string
}

interface Route {
  readonly method: string
  readonly path: string
  readonly body: Readonly<Record<string, string>>
  readonly also: readonly string[]
}

const WORKSPACE = '"w-fuzzed"'
const CREDIT = '[{"feature":"ai_credits"}]'
const NOW = '"2026-01-01T00:00:00Z"'
/** Routes that read a body, with the JSON text of each property of one that is taken, and what it may have beside. */
const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/check',
    body: { workspace: WORKSPACE, feature: '"leads"', quantity: '1' },
    also: ['at', 'meter', 'subject', 'intent', 'minFreshnessMs', 'after', 'explain'],
  },
  { method: 'POST', path: '/v1/checks', body: { workspace: WORKSPACE, items: CREDIT }, also: ['explain'] },
  {
    method: 'POST',
    path: '/v1/consume',
    body: { workspace: WORKSPACE, id: '"f"', items: CREDIT },
    also: ['occurredAt', 'partial'],
  },
  {
    method: 'POST',
    path: '/v1/reservations',
    body: { workspace: WORKSPACE, id: '"r"', items: CREDIT, ttlMs: '1000' },
    also: ['occurredAt', 'partial'],
  },
  {
    method: 'POST',
    path: '/v1/reservations/r/commit',
    body: { workspace: WORKSPACE, quantities: '[1]' },
    also: [],
  },
  { method: 'POST', path: '/v1/reservations/r/release', body: { workspace: WORKSPACE }, also: [] },
  {
    method: 'POST',
    path: '/v1/events',
    body: { events: `[{"record":"LeadEvent","workspace":${WORKSPACE},"id":"e","source":"f"}]` },
    also: [],
  },
  {
    method: 'POST',
    path: '/v1/quote',
    body: { workspace: WORKSPACE, plan: '"pro"', termMonths: '12' },
    also: ['at', 'seats', 'addOns'],
  },
  {
    method: 'POST',
    path: '/v1/what-if',
    body: { workspace: WORKSPACE, seats: '2' },
    also: ['addOns', 'plan'],
  },
  { method: 'POST', path: '/v1/what-if', body: { catalogue: '{}' }, also: ['cursor'] },
  {
    method: 'PUT',
    path: '/v1/catalogue?dryRun=true',
    body: {
      meters: '{}',
      features: '{}',
      plans: '{}',
      addOns: '{}',
      terms: '[]',
      payments: '[]',
      trial: '{}',
    },
    also: ['processingWindowMinutes'],
  },
  {
    method: 'PUT',
    path: '/v1/workspaces/w-fuzzed/overrides/leads',
    body: { limit: '5', reason: '"r"' },
    also: ['until'],
  },
  {
    method: 'DELETE',
    path: '/v1/workspaces/w-fuzzed/overrides/leads',
    body: { reason: '"r"' },
    also: [],
  },
]
/** Names that no body has. */
const foreign = ['__proto__', 'constructor', '$where', 'colour']

/** Makes the next odd request of a seed; overrides are of many workspaces, none of which gets a long history. */
export function oddRequest(sender: Sender): OddRequest {
  const make = [oddBody, oddBody, oddBody, oddEvent, oddType, oddPath, oddFrame, oddHeaders][sender.random(8)]
  return (make ?? oddBody)(sender)
}

function pick<Value>(random: Sender['random'], values: readonly Value[]): Value {
  const value = values[random(values.length)]
  if (value === undefined) throw new RangeError('nothing to pick from')
  return value
}

/** A whole request; the length is that of the body unless headers state another. */
function request(
  { key }: Sender,
  { method, path }: Pick<Route, 'method' | 'path'>,
  { body = '', headers = ['content-type: application/json'] }: { body?: string; headers?: readonly string[] },
): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1', `authorization: Bearer ${key}`, ...headers]
  const framed = headers.some((header) => /^(content-length|transfer-encoding):/i.test(header))
  const length = framed || body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]
  const match = path.startsWith('/v1/catalogue') ? ['if-match: "1"'] : []
  return Buffer.from(`${[...lines, ...match, ...length, 'connection: close'].join('\r\n')}\r\n\r\n${body}`)
}

const jsonOf = (properties: Readonly<Record<string, string>>): string =>
  `{${Object.entries(properties)
    .map(([name, text]) => `"${name}":${text}`)
    .join(',')}}`

function oddBody(sender: Sender): OddRequest {
  const { random } = sender
  const route = pick(random, routes)
  const odd = pick(random, oddValues)
  const names = [...Object.keys(route.body), ...route.also]
  const name = pick(random, random(8) === 0 ? foreign : names)
  const whole = jsonOf({ ...route.body, [name]: odd })
  const bodies = [
    whole,
    whole,
    whole,
    odd,
    whole.replace('{', `{"${name}":1,`),
    whole.slice(0, random(whole.length)),
    `\ufeff${whole}`,
    `${whole}${whole}`,
  ]
  const body = pick(random, bodies)
  const { method } = route
  const path = route.path.replace('/w-fuzzed/', `/w-fuzzed-${random(500)}/`)
  return {
    name: `${method} ${path} ${body.slice(0, 200)}`,
    bytes: request(sender, { method, path }, { body }),
  }
}

function oddEvent(sender: Sender): OddRequest {
  const { random } = sender
  const record = pick(random, [
    'LeadEvent',
    'AiCallEvent',
    'MeterEvent',
    'UsageSnapshotEvent',
    'WhatsappNumberEvent',
  ])
  const fields: Record<string, string> = {
    record: `"${record}"`,
    workspace: WORKSPACE,
    id: `"e${random(1_000)}"`,
    source: '"fuzz"',
    occurredAt: NOW,
    leadId: '"l"',
    action: '"created"',
    quantity: '1',
    levels: '{"leads":1}',
    members: '{"whatsapp_numbers":[{"subject":"+1","since":1}]}',
  }
  for (let count = 0; count <= random(3); count += 1) {
    fields[pick(random, Object.keys(fields))] = pick(random, oddValues)
  }
  const event = jsonOf(fields)
  const body = `{"events":[${event}]}`
  const route = { method: 'POST', path: '/v1/events' }
  return { name: `event ${event.slice(0, 200)}`, bytes: request(sender, route, { body }) }
}

function oddType(sender: Sender): OddRequest {
  const route = pick(sender.random, routes)
  const type = pick(sender.random, contentTypes)
  const headers = pick(sender.random, [
    [`content-type: ${type}`],
    [`content-type:${type}`, 'content-type: text/plain'],
    [`content-type: ${type}`, 'content-encoding: gzip'],
    [],
  ])
  const bytes = request(sender, route, { body: jsonOf(route.body), headers })
  return { name: `content-type ${type.slice(0, 60)}`, bytes }
}

function oddPath(sender: Sender): OddRequest {
  const path = pick(sender.random, oddPaths)
  const method = pick(sender.random, [
    'GET',
    'GET',
    'HEAD',
    'OPTIONS',
    'DELETE',
    'PATCH',
    'TRACE',
    'PROPFIND',
    'get',
  ])
  return { name: `${method} ${path.slice(0, 80)}`, bytes: request(sender, { method, path }, {}) }
}

const check = jsonOf({ workspace: WORKSPACE, feature: '"leads"' })
const ask = { method: 'POST', path: '/v1/check' } as const

function oddFrame(sender: Sender): OddRequest {
  const { random } = sender
  const type = 'content-type: application/json'
  const framed =
    (...headers: readonly string[]) =>
    (body: string) =>
      request(sender, ask, { body, headers: [type, ...headers] })
  const chunked = framed('transfer-encoding: chunked')
  const size = check.length.toString(16)
  const whole = request(sender, ask, { body: check })
  const frames: Readonly<Record<string, () => Buffer>> = {
    'chunk of a negative size': () => chunked(`-5\r\n${check}\r\n0\r\n\r\n`),
    'chunk larger than memory': () => chunked(`ffffffffffffffff\r\n${check}`),
    'chunk with a long extension': () => chunked(`${size};${'x'.repeat(20_000)}\r\n${check}\r\n0\r\n\r\n`),
    'chunk without an end': () => chunked(`${size}\r\n${check}`),
    'chunks of one byte': () => chunked(`${[...check].map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`),
    'chunks of more than is read': () => chunked(`11170\r\n${' '.repeat(70_000)}\r\n0\r\n\r\n`),
    'chunked and a length': () => framed('transfer-encoding: chunked', 'content-length: 3')(check),
    'an unknown coding': () => framed('transfer-encoding: gzip, chunked')(check),
    'a longer length': () => framed(`content-length: ${check.length + 10}`)(check),
    'a shorter length': () => framed(`content-length: ${check.length - 10}`)(check),
    'two lengths': () => framed('content-length: 5', 'content-length: 6')(check),
    'a negative length': () => framed('content-length: -1')(check),
    'a length of words': () => framed('content-length: many')(check),
    'a huge length': () => framed('content-length: 99999999999999999999')(check),
    'more than is read': () => request(sender, ask, { body: ' '.repeat(70_000) }),
    pipelined: () => Buffer.concat(Array.from({ length: 1 + random(50) }, () => keptAlive(whole))),
    'pipelined after a bad one': () =>
      Buffer.concat([keptAlive(framed('content-length: 0')('')), whole, whole]),
    'no HTTP': () => Buffer.from(Array.from({ length: 1 + random(500) }, () => random(256))),
    'a TLS hello': () => Buffer.from('16030100c8010000c40303', 'hex'),
    'HTTP of another age': () =>
      Buffer.from(whole.toString().replace('HTTP/1.1', pick(random, ['HTTP/9.9', 'HTTP/0.9', '']))),
    'HTTP/2 without asking': () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    'cut off': () => whole.subarray(0, random(whole.length)),
    'a byte changed': () => {
      const bytes = Buffer.from(whole)
      bytes[random(bytes.length)] = random(256)
      return bytes
    },
  }
  const name = pick(random, Object.keys(frames))
  return { name, bytes: frames[name]?.() ?? whole }
}

/** The same on a connection that stays open. */
function keptAlive(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString().replace('connection: close', 'connection: keep-alive'))
}

function oddHeaders(sender: Sender): OddRequest {
  const sets: Readonly<Record<string, readonly string[]>> = {
    'a header of 20 kB': [`x-odd: ${'x'.repeat(20_000)}`],
    'three thousand headers': Array.from({ length: 3_000 }, (_, index) => `x-${index}: 1`),
    'a header without a name': [': 1'],
    'a header without a colon': ['odd'],
    'a folded header': ['x-odd: 1\r\n 2'],
    'a NUL in a header': ['x-odd: a\u0000b'],
    'bytes above ASCII': ['x-odd: é€'],
    'a bare line feed': ['x-odd: 1\nx-odder: 2'],
    'two hosts': ['host: a', 'host: b'],
    'an expectation': ['expect: 100-continue'],
    'a wild expectation': ['expect: the-unexpected'],
    'an upgrade': ['upgrade: websocket', 'connection: upgrade'],
    'a second key': ['authorization: Bearer tg_live_AAAAAAAA_x'],
    'a prototype': ['__proto__: 1', 'constructor: 1'],
    'a wrong revision': ['if-match: "0"'],
    'a version to accept': ['accept-version: 9.9.9'],
    'an override of the method': ['x-http-method-override: DELETE'],
    'an id of its own': [`request-id: ${'<'.repeat(500)}`],
  }
  const name = pick(sender.random, Object.keys(sets))
  const headers = ['content-type: application/json', ...(sets[name] ?? [])]
  return { name, bytes: request(sender, pick(sender.random, [ask, ...routes]), { body: check, headers }) }
}
