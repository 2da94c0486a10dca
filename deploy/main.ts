import { outliveReaders } from '#drivers/outlive-readers.ts'
import { playDemo } from './demo/player.ts'
import { problemsOfSetup, setUpFrom } from './setup.ts'
import { bringAway, bringDown, bringUp } from './system.ts'

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/**
 * `run`: everything up, the demo, then serve until Ctrl-C. `up`: the same in the background. `down`: stop. `clean`: stop
 * and remove the data. `setup`: makes the engines of the environment ready, and starts nothing; with `--validate` and a
 * file it only says what is wrong with the settings and with that catalogue.
 */
async function main(command: string | undefined, options: readonly string[]): Promise<void> {
  const unknown = unknownOf(command, options)
  if (unknown !== undefined) return refuse(`"${unknown}" is no option of ${command}`)
  switch (command) {
    case 'up': {
      const run = await bringUp(process.env, print)
      return print(`Tallygate answers at ${run.api}; URLs and keys are in .tallygate/run.json`)
    }
    case 'down': {
      const stopped = await bringDown()
      return print(
        stopped.length === 0 ? 'Nothing was running.' : `Stopped ${stopped.join(', ')}; data is kept.`,
      )
    }
    case 'clean':
      await bringAway()
      return print('Stopped; its data is gone.')
    case 'setup':
      if (options[0] === '--validate') return validate(options[1])
      await setUpFrom(process.env)
      return print('Topics, schemas, install document and catalogue are in place.')
    case 'run':
      return run()
    default:
      refuse()
  }
}

/** The first word after a command that it does not take. */
function unknownOf(command: string | undefined, options: readonly string[]): string | undefined {
  if (command !== 'setup' || options[0] !== '--validate') return options[0]
  const [, catalogue, ...more] = options
  return catalogue?.startsWith('-') ? catalogue : more[0]
}

function refuse(...why: readonly string[]): void {
  for (const line of why) print(line)
  print('usage: node deploy/main.ts run | up | down | clean | setup [--validate [catalogue.json]]')
  process.exitCode = 2
}

function validate(catalogue: string | undefined): void {
  const problems = problemsOfSetup(process.env, catalogue)
  process.stdout.write(`${problems ?? 'Settings and catalogue are fine.'}\n`)
  if (problems !== null) process.exitCode = 1
}

async function run(): Promise<void> {
  const stop = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve)
    process.once('SIGTERM', resolve)
  })
  const stopped = stop.then(() => 'stop' as const)
  const serving = setInterval(() => undefined, 60_000)
  const started = bringUp(process.env, print).then(async (file) => {
    const asPlanned = await playDemo(file, print)
    print(`Tallygate answers at ${file.api}; URLs and keys are in .tallygate/run.json. Ctrl-C stops it.`)
    if (!asPlanned) process.exitCode = 1
  })
  await Promise.race([started, stopped])
  await stopped
  clearInterval(serving)
  print('\nStopping; data is kept.')
  await bringDown()
  process.exit()
}

outliveReaders([process.stdout, process.stderr])
await main(process.argv[2], process.argv.slice(3)).catch((error: unknown) => {
  process.stderr.write(`${reasonsOf(error).join('\n  because: ')}\n`)
  process.exit(3)
})

/** The message of an error and of what caused it. */
function reasonsOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)]
  return [error.message, ...(error.cause === undefined ? [] : reasonsOf(error.cause))]
}
