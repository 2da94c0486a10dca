import { deniedReasons } from '#core/entitlement/decision.ts'
import type { AskOptions, ShownDecision } from './commands/check.ts'
import { inWords } from './in-words.ts'
import { wayOut } from './ways-out.ts'

/** A question and its answer. */
export interface Explained {
  readonly workspace: string
  readonly feature: string
  readonly options: AskOptions
  readonly decision: ShownDecision
}

/**
 * A decision as a page of plain text: the answer in a sentence, what would help, and how it came about.
 *
 * Written for whoever was told no; the last line has the words that support searches by.
 */
export function explainPage(explained: Explained): string {
  const { decision, options } = explained
  const { unblock, trace = [] } = decision
  const ways = unblock.map((way) => `  - ${wayOut(way)}`)
  const help =
    ways.length === 0
      ? []
      : ['', ways.length === 1 ? 'What would help' : 'What would help, any one of', ...ways]
  const steps = trace.map(({ step, detail }, index) => {
    const label = (LABELS[step] ?? step.replaceAll('_', ' ')).padEnd(12)
    return `  ${`${index + 1}.`.padEnd(4)}${label}  ${inWords(detail)}`
  })
  return [
    questionOf(explained),
    '',
    ...wrap(sentenceOf(explained)).map((line) => `  ${line}`),
    ...help,
    '',
    'How this was decided',
    ...steps,
    '',
    accuracyLine(decision, options),
    referenceLine(explained),
  ].join('\n')
}

const LABELS: Readonly<Record<string, string>> = {
  history: 'Known',
  status: 'Subscription',
  plan: 'Plan',
  seats: 'Seats',
  add_ons: 'Add-on',
  override: 'Exception',
  limit: 'Limit',
  counter: 'Use',
  verdict: 'Answer',
}

function questionOf({ workspace, feature, options }: Explained): string {
  const { intent, quantity, subject, at } = options
  const what = intent === 'add' ? `add ${number(Number(quantity))} to` : intent
  const which = subject === undefined ? '' : ` (${subject})`
  const when = at === undefined ? '' : ` at ${inWords(new Date(at).toISOString())}`
  return `May workspace ${workspace} ${what} ${plain(feature)}${which}${when}?`
}

function sentenceOf(explained: Explained): string {
  const { allowed, reason } = explained.decision
  if (!deniedReasons.some((denied) => denied === reason)) return allowedSentence(explained)
  const sentence = deniedSentence(explained)
  return allowed ? `Yes, because this limit is not enforced yet. If it were: ${sentence}` : sentence
}

function allowedSentence({ options, decision }: Explained): string {
  const { reason, limit, used, held, overLimit } = decision
  switch (reason) {
    case 'within_limit': {
      if (options.intent !== 'add') return `Yes. To ${options.intent} what is there, no room is needed.`
      if (Number(options.quantity) === 0) return `Yes. ${figures(decision)}, and to add 0 needs no room.`
      if (used + held + Number(options.quantity) > (limit ?? 0))
        return 'Yes. It is there already and takes no room.'
      return `Yes. ${figures(decision)}.`
    }
    case 'unlimited':
      return 'Yes. There is no limit.'
    case 'feature_on':
      return 'Yes. It is part of the plan.'
    case 'over_limit_grace': {
      const ends = overLimit?.graceEndsAt ?? null
      const until = ends === null ? 'for a time once it is passed' : `until ${inWords(ends)}`
      return `Yes, for now. ${figures(decision)}. More is tolerated ${until}; after that nothing can be added before use is below the limit.`
    }
    default:
      return 'Yes, by rule: the counts could not be had just now.'
  }
}

function deniedSentence({ options, decision }: Explained): string {
  const { reason, plan, overLimit } = decision
  switch (reason) {
    case 'limit_reached': {
      const ended = overLimit?.graceEndsAt ?? null
      const grace = ended === null ? '' : ` The time to adjust ended ${inWords(ended)}.`
      return `No. ${figures(decision)}, and ${number(Number(options.quantity))} more would pass the limit.${grace} Nothing is taken away.`
    }
    case 'feature_not_in_plan':
      if (Object(decision.trace?.at(-1)?.data).offBy === 'override')
        return 'No. It is switched off for this workspace by an exception.'
      return `No. It is not part of the plan ${plan ?? ''}.`
    case 'subscription_lapsed':
      return 'No. The subscription has ended. What is there is kept, and adding is possible again as soon as it is paid.'
    case 'payment_pending':
      return 'No. A payment has not arrived yet. It is possible again as soon as it does.'
    case 'read_only':
      return 'No. The subscription has ended. Until it is paid, this can only be read.'
    case 'no_subscription':
      return 'No. There is no subscription.'
    default:
      return 'No, not just now: the counts could not be had. Please ask again in a minute.'
  }
}

function figures({ used, held, limit }: ShownDecision): string {
  const reserved = held > 0 ? ` and ${number(held)} are reserved` : ''
  return `${number(used)} of ${number(limit ?? 0)} are used${reserved}`
}

function accuracyLine({ asOf, exact, degraded }: ShownDecision, { at }: AskOptions): string {
  if (degraded) return 'The counts could not be had; the answer is the one that the rules give then.'
  if (at !== undefined) return 'Answered from what is kept of that time; see "Known" for what is not.'
  const time = asOf === null ? 'an unknown time' : inWords(asOf)
  return `Everything is counted up to ${time}${exact ? '' : '; later events are still on their way'}.`
}

function referenceLine({ feature, decision }: Explained): string {
  const { reason, plan, planVersion, status } = decision
  const version = planVersion === null ? '' : ` (version ${planVersion})`
  const on = plan === null ? 'no plan' : `plan ${plan}${version}`
  return `Reference: ${feature}, ${reason}, ${on}, status ${status}.`
}

function plain(key: string): string {
  return key.replaceAll('_', ' ')
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

const WIDTH = 76

/** A sentence in lines that a mail does not break. */
function wrap(text: string): readonly string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line.length + word.length + 1 > WIDTH) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
