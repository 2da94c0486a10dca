import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { outliveReaders } from '#drivers/outlive-readers.ts'
import { redactorOf, secretsOf } from '#drivers/secrets.ts'
import { CommandError, exitCodes } from './target.ts'

const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

const program = new Command('tallygate')
  .description('Usage limits and entitlements: ask, explain, send events, make keys.')
  .version(Object(manifest).version)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })

/** A command that is loaded when it runs: to ask a question takes no client of Kafka, MongoDB or Redis. */
function later<Given extends readonly unknown[]>(
  load: () => Promise<(...given: Given) => Promise<void>>,
): (...given: Given) => Promise<void> {
  return async (...given) => (await load())(...given)
}

const at = (): Option => new Option('--at <instant>', 'a past instant, answered from history')
const json = (): Option => new Option('--json', 'print one JSON value instead of text')

program
  .command('check <workspace> <feature>')
  .description('may this workspace do this? exits 0 when allowed, 1 when denied')
  .option('-q, --quantity <n>', 'units to add', '1')
  .addOption(new Option('-i, --intent <intent>', 'what for').choices(['read', 'use', 'add']).default('add'))
  .option('-s, --subject <id>', 'resource of a distinct meter, e.g. a phone number')
  .option('-m, --meter <meter>', 'meter of the feature')
  .addOption(at())
  .addOption(json())
  .action(later(async () => (await import('./commands/check.ts')).checkCommand))

program
  .command('usage <workspace> [feature]')
  .description('every limit with its use, or one feature by day')
  .option('--from <day>', 'first UTC day, yyyy-mm-dd')
  .option('--to <day>', 'last UTC day, yyyy-mm-dd')
  .addOption(json())
  .action(later(async () => (await import('./commands/usage.ts')).usageCommand))

program
  .command('explain <workspace> <feature>')
  .description('the whole reasoning behind a decision, as a page to pass on')
  .option('-q, --quantity <n>', 'units to add', '1')
  .addOption(new Option('-i, --intent <intent>', 'what for').choices(['read', 'use', 'add']).default('add'))
  .option('-s, --subject <id>', 'resource of a distinct meter')
  .addOption(at())
  .addOption(json())
  .action(later(async () => (await import('./commands/explain.ts')).explainCommand))

program
  .command('produce <topic> [file]')
  .description(
    'send events from a JSON-lines file, or standard input (-), after checking each against its schema',
  )
  .addOption(json())
  .action(later(async () => (await import('./commands/produce.ts')).produceCommand))

program
  .command('import [file]')
  .description(
    'first load: the counts that workspaces have already, one JSON line each, or standard input (-)',
  )
  .option('--source <name>', 'service that the counts come from', 'import')
  .option('--taken-at <time>', 'when they were taken, for lines that do not say')
  .addOption(json())
  .action(later(async () => (await import('./commands/import.ts')).importCommand))

program
  .command('redrive')
  .description('send dead letters again once their cause is mended; a dry run without --yes')
  .option('-w, --workspace <id>', 'only of this workspace')
  .option('-c, --code <code>', 'only with this code, e.g. too_late')
  .addOption(
    new Option('-t, --topic <topic>', 'only records of this topic').choices([
      'usage.events',
      'subscription.events',
    ]),
  )
  .option('--from <time>', 'refused at or after this time')
  .option('--to <time>', 'refused before this time')
  .option(
    '--counts-too',
    "also those that state a count: each sets it back to what it was; the product's next own count is the better repair",
  )
  .option('-y, --yes', 'send them; a copy of what was counted counts again when it is more than 72 hours old')
  .addOption(json())
  .action(later(async () => (await import('./commands/redrive.ts')).redriveCommand))

program
  .command('verify')
  .description('count anew from the log while all is running, and compare; exits 1 when a counter differs')
  .option('-w, --workspace <id>', 'only this workspace')
  .option('--no-trust-append-time', 'where the consumers run with TRUST_APPEND_TIME_HEADER=false')
  .addOption(json())
  .action(later(async () => (await import('./commands/verify.ts')).verifyCommand))

program
  .command('drift')
  .description("where the product's own counts differed from ours, newest first")
  .option('-w, --workspace <id>', 'only of this workspace')
  .addOption(json())
  .action(later(async () => (await import('./commands/drift.ts')).driftCommand))

program
  .command('rebase')
  .description('go on with a usage topic that was made anew, or lost its end; a dry run without --yes')
  .option('-p, --partition <n...>', 'also these, where the log has outgrown what was counted')
  .option('--from-start', 'those named were made anew, though they were counted on since')
  .option('--complete', 'all of the old log was counted, so that nothing is missing')
  .option('-y, --yes', 'do it; all consumers must be stopped')
  .addOption(json())
  .action(later(async () => (await import('./commands/rebase.ts')).rebaseCommand))

const audit = program.command('audit').description('who changed what, and whether the record is whole')
audit
  .command('list')
  .description(
    "changes of a workspace's overrides and subscription, or without one those of keys, catalogues, rebases, imports and redrives",
  )
  .option('-w, --workspace <id>', 'a workspace')
  .addOption(json())
  .action(later(async () => (await import('./commands/audit.ts')).listAuditCommand))
audit
  .command('verify')
  .description('compute the hashes of every chain anew; exits 1 when an entry was changed or taken out')
  .option('-w, --workspace <id>', 'only of this workspace')
  .option(
    '--heads <file>',
    'also compare with the last entries of an earlier check, and keep those of this one',
  )
  .addOption(json())
  .action(later(async () => (await import('./commands/audit.ts')).verifyAuditCommand))

const key = program.command('key').description('make and end API keys')
key
  .command('create')
  .description('make a key and print it once')
  .requiredOption('-s, --scope <scope...>', 'check, consume, events:write, usage:read, admin')
  .option('-w, --workspace <id...>', 'workspaces it may touch; all when left out')
  .option('-l, --label <text>', 'what it is for', '')
  .option('--days <n>', 'days until it expires; never when left out')
  .addOption(json())
  .action(later(async () => (await import('./commands/key.ts')).createKeyCommand))
key
  .command('list')
  .description('every key with what it may do and until when; secrets are not stored')
  .addOption(json())
  .action(later(async () => (await import('./commands/key.ts')).listKeysCommand))
key
  .command('rotate <id>')
  .description('make a key that may do the same; the old one goes on for the overlap')
  .option('--overlap <hours>', 'hours that both work', '24')
  .option('--days <n>', 'days until the new one expires; with the old one when left out')
  .addOption(json())
  .action(later(async () => (await import('./commands/key.ts')).rotateKeyCommand))
key
  .command('revoke <id>')
  .description('end a key by the eight characters after tg_live_; effective within 5 s')
  .addOption(json())
  .action(later(async () => (await import('./commands/key.ts')).revokeKeyCommand))

outliveReaders([process.stdout, process.stderr])
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`tallygate: ${redactorOf(secretsOf(process.env))(text)}\n`)
  return error instanceof CommandError ? error.exitCode : exitCodes.unavailable
}
