import { expect, test } from 'vitest'
import { TallygateClient } from './client.ts'
import { UsageEmitter } from './events/usage-emitter.ts'

const usable = { url: 'http://localhost:18080', key: 'tg_live_key' }

/** A client made by JavaScript, whose options nobody checked. */
function clientWith(options: object): TallygateClient {
  return new TallygateClient({ ...usable, ...options } as never)
}

test.for([
  [{ url: undefined }, /^url: .*http:\/\/ or https:\/\/, not undefined$/],
  [{ url: null }, /^url: /],
  [{ url: 'localhost:18080' }, /^url: begin it with http:\/\/ or https:\/\/$/],
  [{ url: 'http://a b' }, /^url: give an address/],
  [{ url: 'https://tallygate.example/?a=b' }, /^url: .*no \?/],
  [{ key: undefined }, /^key: .*, not undefined$/],
  [{ key: null }, /^key: /],
  [{ key: '' }, /^key: /],
  [{ timeoutMs: null }, /^timeoutMs: /],
  [{ onUnavailable: 'alow' }, /^onUnavailable: give allow, deny, throw, not alow$/],
  [{ onUnavailable: null }, /^onUnavailable: /],
  [{ onUnavailable: ['allow'] }, /^onUnavailable: /],
  [
    { onUnavailable: { leads: 'last_known' } },
    /^onUnavailable\.leads: give allow, deny, throw, not last_known$/,
  ],
  [{ onUnavailable: { leads: 'allow', ai_credits: true } }, /^onUnavailable\.ai_credits: /],
] as const)('options that cannot be used are named: %o', ([options, message]) => {
  expect(() => clientWith(options)).toThrow(RangeError)
  expect(() => clientWith(options)).toThrow(message)
})

test.for(['tg_live secret', Buffer.from('tg_live_secret')])(
  'a key that cannot be used is not printed',
  (key) => {
    expect(() => clientWith({ key })).toThrow(/^key: (?!.*secret)/)
  },
)

test('a url with a login, which fetch refuses, is refused when the client is made, and not printed', () => {
  const url = 'https://crm:s3cret@tallygate.example'
  expect(() => clientWith({ url })).toThrow(/^url: leave user and password out(?!.*s3cret)/)
})

test('an emitter without a source is refused when it is made', () => {
  for (const source of [undefined, '', 'tallygate'])
    expect(() => new UsageEmitter({ source } as never)).toThrow(/^source: /)
})

test.for(['throw', 'deny', {}, { leads: 'allow', ai_credits: undefined }] as const)(
  'a policy of known words is taken: %o',
  (onUnavailable) => {
    expect(() => clientWith({ onUnavailable })).not.toThrow()
  },
)
