import { expect, test } from 'vitest'
import { appWith } from '#test/helpers/app.ts'
import { ID_OF_PATH } from '../schemas.ts'

test.for([
  ['/v1/reservations', '.'],
  ['/v1/reservations', '..'],
  ['/v1/consume', '..'],
] as const)(
  '%s: an id that no path can name is refused, so that nothing is held under it: %s',
  async ([url, id]) => {
    const app = await appWith({ now: 0 })
    const payload = { workspace: 'acme', id, items: [{ feature: 'leads' }] }
    const headers = { authorization: 'Bearer key' }
    const response = await app.inject({ method: 'POST', url, headers, payload })
    expect(response.json()).toMatchObject({ status: 400, code: 'invalid_request', field: 'id' })
    expect(response.json().detail).toContain('more than . or .. alone')
    await app.close()
  },
)

test.for(['a', '...', '.a', '..a', 'a.', '..-', 'a..', '._:-', 'a'.repeat(100)])(
  'an id that a path can name is taken: %s',
  (id) => {
    expect(new RegExp(ID_OF_PATH).test(id)).toBe(true)
  },
)
