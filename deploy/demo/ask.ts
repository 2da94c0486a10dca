import pc from 'picocolors'

/** Where to ask, and with which keys. */
export interface Asking {
  readonly api: string
  readonly check: string
  readonly read: string
}

/** The parts of a decision that a story shows. */
export interface Answer {
  readonly allowed: boolean
  readonly reason: string
  readonly used: number
  readonly limit: number | null
  readonly asOf: number
  readonly unblock: readonly Readonly<Record<string, unknown>>[]
  readonly trace: readonly { readonly step: string; readonly detail: string }[]
}

/** Asks a read route; the body of its answer, also when it is a problem. */
export async function askApi({ api, read, check }: Asking, path: string): Promise<object> {
  const key = path.endsWith('/entitlements') ? check : read
  const response = await fetch(`${api}${path}`, { headers: { authorization: `Bearer ${key}` } })
  return response.json() as Promise<object>
}

/** Asks until an answer holds, at most `withinMs`; the last answer then. */
export async function untilAnswer(
  asking: Asking,
  question: object,
  holds: (answer: Answer) => boolean,
  withinMs = 20_000,
): Promise<Answer> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask(asking, question)
    if (holds(answer) || performance.now() > deadline) return answer
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

async function ask({ api, check }: Asking, question: object): Promise<Answer> {
  const response = await fetch(`${api}/v1/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${check}`, 'content-type': 'application/json' },
    body: JSON.stringify(question),
  })
  const body = (await response.json()) as Omit<Answer, 'asOf'> & { asOf: string; detail?: string }
  if (!response.ok) throw new Error(`the API answered ${response.status}: ${body.detail ?? ''}`)
  return { ...body, asOf: Date.parse(body.asOf) }
}

/** A decision as two or three lines that a person can read. */
export function decisionLines(
  question: Readonly<Record<string, unknown>>,
  answer: Answer,
): readonly string[] {
  const { allowed, reason, unblock, trace, limit, used } = answer
  const mark = allowed ? pc.green('✓ allowed') : pc.red('✗ denied ')
  const what = [
    question['intent'] ?? 'add',
    question['quantity'] ?? 1,
    question['feature'],
    question['subject'] ?? '',
  ]
  const figures = limit === null ? '' : pc.dim(` used ${used} of ${limit}`)
  const verdict = trace.at(-1)?.detail.replace(/^(allowed|denied): /, '') ?? ''
  const lines = [
    `    ${mark} ${what.join(' ').trim()}  ${pc.bold(reason)}${figures}`,
    pc.dim(`              ${verdict}`),
  ]
  if (unblock.length === 0) return lines
  return [...lines, pc.dim(`              way out: ${unblock.map(wayOut).join(' · ')}`)]
}

function wayOut({ action, ...details }: Readonly<Record<string, unknown>>): string {
  return [String(action).replaceAll('_', ' '), ...Object.values(details)].join(' ')
}
