import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/instant.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

/** Workspaces in the states that the page is there to show. */
export interface Stage {
  /** Past its limit of leads, with refused changes, orders, packs, denials and a hold. */
  readonly grown: TestWorkspace
  /** Its payment has not come. */
  readonly unpaid: TestWorkspace
  /** Far from every limit. */
  readonly calm: TestWorkspace
}

/** Sets the stage through the real topics and routes, and waits until all of it is counted. */
export async function setStage(system: System, suffix = ''): Promise<Stage> {
  const named = (name: string): TestWorkspace => new TestWorkspace(system, `${name}${suffix}`)
  const [grown, unpaid, calm] = [named('acme'), named('corto'), named('delft')]
  await Promise.all([grow(grown), leaveUnpaid(unpaid), useLittle(calm), useMost(named('bloom'))])
  await Promise.all([grown, unpaid, calm].map((workspace) => workspace.counted()))
  await refuse(grown)
  await deny(grown)
  return { grown, unpaid, calm }
}

/** Three weeks of growth on Base, more seats, a pack, and a downgrade that needs support. */
async function grow(workspace: TestWorkspace): Promise<void> {
  const start = Date.now() - 24 * DAY_MS
  const bought = order('o-1001', 'purchase', { amountMinor: 18_000, placedAt: start, paidAt: start })
  const period = {
    periodStart: start,
    periodEnd: start + 182 * DAY_MS,
    planSince: start,
    anchorDay: new Date(start).getUTCDate(),
  }
  await workspace.subscribe({ seats: 2, ...period }, { occurredAt: start, order: bought })
  const seats = order('o-1002', 'seats', {
    amountMinor: 7_350,
    placedAt: start + 9 * DAY_MS,
    paidAt: start + 9 * DAY_MS,
  })
  await workspace.subscribe(
    { seats: 3 },
    { occurredAt: start + 9 * DAY_MS, type: 'seats_changed', order: seats },
  )
  const up = order('o-1003', 'upgrade', {
    amountMinor: 12_480,
    placedAt: start + 16 * DAY_MS,
    paidAt: start + 16 * DAY_MS,
  })
  const upgraded = { plan: 'advanced', planSince: start + 16 * DAY_MS }
  await workspace.subscribe(upgraded, { occurredAt: start + 16 * DAY_MS, type: 'upgraded', order: up })
  const credits = [
    64, 88, 71, 132, 149, 55, 38, 120, 166, 158, 171, 143, 62, 44, 187, 201, 176, 190, 214, 71, 58, 236,
  ]
  for (const [index, used] of credits.entries()) {
    const at = start + index * DAY_MS + HOUR_MS
    await workspace.send('AiCallEvent', { function: 'summary', credits: used, occurredAt: at }, at)
    await workspace.send(
      'LeadEvent',
      { leadId: `l${index}`, action: 'created', quantity: 610 + used, occurredAt: at },
      at,
    )
  }
  await workspace.send('ContactEvent', { contactId: 'c', action: 'created', quantity: 52_000 })
  await workspace.send('CompanyEvent', { companyId: 'c', action: 'created', quantity: 9_400 })
  for (const agentId of ['sales', 'support', 'night'])
    await workspace.send('AiAgentEvent', { agentId, state: 'active' })
  for (const number of ['+15550001', '+15550002'])
    await workspace.send('WhatsappNumberEvent', { number, action: 'connected' })
  await workspace.send('InstagramAccountEvent', { account: 'acme', action: 'connected' })
}

/** What breaks rules: a downgrade by the customer, and records that become dead letters. */
async function refuse(workspace: TestWorkspace): Promise<void> {
  const asked = { occurredAt: Date.now() - 3 * HOUR_MS, type: 'downgraded' }
  await workspace.subscribe({ plan: 'base' }, asked)
  const old = Date.now() - 60 * DAY_MS
  for (let index = 0; index < 7; index += 1)
    await workspace.send('AiCallEvent', {
      function: 'summary',
      credits: 5,
      occurredAt: old + index * MINUTE_MS,
    })
  for (let index = 0; index < 4; index += 1)
    await workspace.send('MeterEvent', { meter: 'faxes', quantity: 1 + index })
  for (let index = 0; index < 3; index += 1)
    await workspace.send('LeadEvent', { leadId: `m${index}`, action: 'created', quantity: 2_000_000_000 })
  await workspace.counted()
}

/** Requests that get a no, and a reservation that holds credits. */
async function deny(workspace: TestWorkspace): Promise<void> {
  for (let index = 0; index < 5; index += 1) await workspace.check({ feature: 'ai_credits', quantity: 4_000 })
  for (const subject of ['night-2', 'weekend']) await workspace.check({ feature: 'ai_agents', subject })
  const items = [{ feature: 'ai_credits', quantity: 240 }]
  const held = await workspace.post('/v1/reservations', {
    workspace: workspace.id,
    id: 'campaign',
    items,
    ttlMs: 900_000,
  })
  if (held.status !== 200) throw new Error(`the reservation was refused: ${await held.text()}`)
}

/** Advanced, its term over, its renewal not paid. */
async function leaveUnpaid(workspace: TestWorkspace): Promise<void> {
  const end = Date.now() - 2 * HOUR_MS
  const period = { plan: 'advanced', seats: 1, periodStart: end - 183 * DAY_MS, periodEnd: end }
  const bought = order('o-2001', 'purchase', {
    amountMinor: 15_000,
    placedAt: end - 183 * DAY_MS,
    paidAt: end - 183 * DAY_MS,
  })
  await workspace.subscribe(period, { occurredAt: end - 183 * DAY_MS, order: bought })
  const attempt = { state: 'failed', at: end - HOUR_MS, reason: 'insufficient funds' }
  const renewal = order('o-2002', 'renewal', {
    amountMinor: 15_000,
    placedAt: end - 3 * DAY_MS,
    paidAt: null,
    attempt,
  })
  await workspace.subscribe(
    {},
    { occurredAt: end - HOUR_MS, type: 'payment_failed', order: { ...renewal, status: 'pending' } },
  )
  await workspace.send('AiCallEvent', { function: 'reply_suggestion', credits: 1_130 })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 4_350 })
}

async function useLittle(workspace: TestWorkspace): Promise<void> {
  await workspace.subscribe({ plan: 'pro', seats: 5 })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 1_200 })
}

async function useMost(workspace: TestWorkspace): Promise<void> {
  await workspace.subscribe({ plan: 'base', seats: 4 })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 8_700 })
  await workspace.send('AiCallEvent', { function: 'agent', credits: 2_610 })
  await workspace.send('WhatsappNumberEvent', { number: '+15550009', action: 'connected' })
  await workspace.counted()
}

function order(
  orderId: string,
  kind: string,
  rest: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const paid = { status: 'paid', currency: 'USD', method: 'card', installments: 1, attempt: null }
  return { orderId, kind, ...paid, ...rest }
}
