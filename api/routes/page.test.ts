import { gunzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { appWith } from '#test/helpers/app.ts'

let app: Awaited<ReturnType<typeof appWith>>
beforeAll(async () => {
  app = await appWith({ now: 0 })
})

/** What a file of the page names: scripts, styles, imports. */
function namedIn(text: string, path: string): readonly string[] {
  const names = text.matchAll(/(?:\b(?:src|href)="|\bfrom '|@import ')([^"'#]+)["']/g)
  return [...names].map(([, name = '']) => new URL(name, `http://page${path}`).pathname)
}

test('ops page: every file that it names is served, with its type and without a key', async () => {
  const seen = new Map<string, string>()
  const read = async (path: string): Promise<void> => {
    if (seen.has(path)) return
    const { statusCode, headers, body } = await app.inject(path)
    expect(statusCode, path).toBe(200)
    seen.set(path, String(headers['content-type']))
    if (!path.startsWith('/page/vendor/')) await Promise.all(namedIn(body, path).map(read))
  }
  await read('/')
  expect(seen.get('/')).toBe('text/html; charset=utf-8')
  expect(seen.get('/page/main.js')).toBe('text/javascript; charset=utf-8')
  expect(seen.get('/page/vendor/uplot.js')).toBe('text/javascript; charset=utf-8')
  expect(seen.get('/page/vendor/uplot.css')).toBe('text/css; charset=utf-8')
})

test('ops page: nothing inline and nothing from elsewhere may run, load or frame it', async () => {
  const { headers, body } = await app.inject('/')
  const policy = String(headers['content-security-policy']).split('; ')
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain("script-src 'self'")
  expect(policy).toContain("style-src 'self'")
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy.join()).not.toMatch(/unsafe|https?:|\*/)
  expect(headers['x-content-type-options']).toBe('nosniff')
  expect(body).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/)
})

test('ops page: a file that did not change is not sent again', async () => {
  const first = await app.inject('/page/main.js')
  const etag = String(first.headers.etag)
  expect(first.headers['cache-control']).toBe('no-cache')
  const again = await app.inject({ url: '/page/main.js', headers: { 'if-none-match': `"old", W/${etag}` } })
  expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag])
  const other = await app.inject({ url: '/page/main.js', headers: { 'if-none-match': '"old"' } })
  expect(other.statusCode).toBe(200)
})

test('ops page: packed for those who take gzip, plain for the others', async () => {
  const ask = (encoding: string) =>
    app.inject({ url: '/page/main.js', headers: { 'accept-encoding': encoding } })
  const plain = await ask('br, gzip;q=0')
  const packed = await ask('br, gzip')
  expect(plain.headers['content-encoding']).toBeUndefined()
  expect(packed.headers['content-encoding']).toBe('gzip')
  expect(packed.headers.etag).not.toBe(plain.headers.etag)
  expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true)
})

test('ops page: no other file of the folder can be had', async () => {
  for (const path of [
    '/page/',
    '/page/page.html',
    '/page/../app.ts',
    '/page/%2e%2e/app.ts',
    '/page/format.test.ts',
  ])
    expect((await app.inject(path)).statusCode, path).toBe(404)
})
