import { execFileSync } from 'node:child_process'

/** A script that loads all of a service and starts nothing. */
export function loading(service: 'api' | 'consumers'): string {
  const main = new URL(`../../${service}/main.ts`, import.meta.url)
  return `import(${JSON.stringify(main.href)}).catch(() => process.exit(0))`
}

/**
 * The last line that a process printed which ran a script: what `ending`, given to it before, says at its end, and may ask V8
 * itself (`%Name`). Why it ended does not matter.
 */
export function askedOfV8(ending: string, script: string): string {
  const flags = ['--allow-natives-syntax', '--import', `data:text/javascript,${encodeURIComponent(ending)}`]
  const args = [...flags, '--input-type=module', '-e', script, '--', '--validate']
  const said = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return said.trim().split('\n').at(-1) ?? ''
}
