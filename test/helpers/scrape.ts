import type { ServiceName } from '#deploy/services.ts'
import type { System } from './system.ts'

/** What Prometheus reads of a process. */
export async function scrape(system: System, name: ServiceName): Promise<string> {
  const base = name === 'api' ? `http://127.0.0.1:${system.env['ADMIN_PORT']}` : system.consumers
  return (await fetch(`${base}/metrics`)).text()
}

/** The figure of a series as it was scraped; NaN where there is none. */
export function figureOf(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length))
}
