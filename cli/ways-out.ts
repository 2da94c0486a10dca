import { inWords } from './in-words.ts'

/** A way out of a denial, as the API states it. */
export type WayOut = Readonly<Record<string, unknown>>

/** One way out of a denial as something to do; one that a newer API has is shown as it is. */
export function wayOut(way: WayOut): string {
  const { action, ...details } = way
  switch (action) {
    case 'add_seats':
      return `buy ${counted(way['seats'], 'more seat')}`
    case 'upgrade':
      return `move up to the plan ${String(way['plan'])}`
    case 'add_on':
      return `buy ${counted(way['quantity'], 'pack')} of ${String(way['addOn'])}`
    case 'pay':
      return way['orderId'] === undefined ? 'pay for the subscription' : `pay order ${String(way['orderId'])}`
    case 'wait_until':
      return `wait until ${inWords(String(way['at']))}, when the allowance begins anew`
    case 'remove':
      return `remove ${String(way['quantity'])} of what is there`
    case 'contact_support':
      return 'contact support'
    default:
      return [String(action).replaceAll('_', ' '), ...Object.values(details)].join(' ')
  }
}

function counted(count: unknown, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`
}
