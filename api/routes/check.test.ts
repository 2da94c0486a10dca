import { expect, test } from 'vitest'
import { appWith } from '#test/helpers/app.ts'

test.for([
  ['/v1/check', '+abc', true],
  ['/v1/check', '+551', false],
  ['/v1/check', 'agent-7', false],
  ['/v1/consume', '+abc', true],
] as const)(
  '%s: a subject that no event may name is refused by name: %s',
  async ([url, subject, isRefused]) => {
    const app = await appWith({ now: 0 })
    const asked = { feature: 'whatsapp_numbers', subject }
    const payload = {
      workspace: 'acme',
      ...(url === '/v1/check' ? asked : { id: 'op', items: [asked] }),
    }
    const response = await app.inject({
      method: 'POST',
      url,
      headers: { authorization: 'Bearer key' },
      payload,
    })
    const { code, field = '' } = response.json()
    expect([code === 'invalid_request', String(field).endsWith('subject')]).toEqual([isRefused, isRefused])
    await app.close()
  },
)
