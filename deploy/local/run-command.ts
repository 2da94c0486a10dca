import { spawn } from 'node:child_process'

interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command to its end and returns what it printed; throws with its last lines when it fails. */
export async function runCommand(
  file: string,
  args: readonly string[],
  { cwd, env }: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) return resolve(output)
      const lines = output.trimEnd().split('\n').slice(-12).join('\n')
      reject(new Error(`${file} ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${lines}`))
    })
  })
}

/** Whether a program is on the PATH. */
export async function hasCommand(file: string): Promise<boolean> {
  return runCommand('sh', ['-c', `command -v ${file}`]).then(
    () => true,
    () => false,
  )
}
