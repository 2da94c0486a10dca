import type { Curve } from './statistics.ts'

const WIDTH = 640
const HEIGHT = 320
const FRAME = { left: 70, right: 130, top: 34, bottom: 42 } as const
const COLOURS = ['#2563eb', '#d97706', '#059669', '#9333ea']
const STEPS = 4

interface Picture {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly curves: readonly Curve[]
}

type Point = readonly [number, number]

/** Draws curves over a logarithmic x and a y that begins at 0, as SVG. */
export function drawCurves({ title, x, y, curves }: Picture): string {
  const all = curves.flatMap(({ points }) => points)
  const top = niceAbove(Math.max(...all.map(([, value]) => value)))
  const [first, last] = [
    Math.min(...all.map(([count]) => count)),
    Math.max(...all.map(([count]) => count)),
  ].map(Math.log10) as [number, number]
  const inner = {
    width: WIDTH - FRAME.left - FRAME.right,
    height: HEIGHT - FRAME.top - FRAME.bottom,
  }
  const place = ([count, value]: Point): Point => [
    FRAME.left + (inner.width * (Math.log10(count) - first)) / (last - first || 1),
    FRAME.top + inner.height * (1 - value / top),
  ]
  const ticks = Array.from({ length: STEPS + 1 }, (_, step) => (top * step) / STEPS)
  const lines = [
    text(FRAME.left, 20, title, 'font-weight="600"'),
    ...ticks.flatMap((value) => {
      const [, at] = place([10 ** first, value])
      const line = `<line x1="${FRAME.left}" x2="${FRAME.left + inner.width}" y1="${n(at)}" y2="${n(at)}" stroke="#e5e7eb"/>`
      return [line, text(FRAME.left - 8, at + 4, short(value), 'text-anchor="end"')]
    }),
    ...[...new Set(all.map(([count]) => count))].map((count) =>
      text(place([count, 0])[0], HEIGHT - 22, count.toLocaleString('en'), 'text-anchor="middle"'),
    ),
    text(FRAME.left + inner.width / 2, HEIGHT - 6, x, 'text-anchor="middle"'),
    text(8, FRAME.top - 4, y),
    ...curves.flatMap((curve, index) =>
      drawn(curve, { place, colour: COLOURS[index % COLOURS.length] ?? '' }),
    ),
  ]
  const name = `<title>${title}</title>`
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#111827">`
  return [
    head,
    name,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n')
}

function drawn(
  { name, points }: Curve,
  { place, colour }: { readonly place: (point: Point) => Point; readonly colour: string },
): readonly string[] {
  const places = points.map(place)
  const path = places.map(([at, height]) => `${n(at)},${n(height)}`).join(' ')
  const [endAt, endHeight] = places.at(-1) ?? [0, 0]
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...places.map(([at, height]) => `<circle cx="${n(at)}" cy="${n(height)}" r="3.5" fill="${colour}"/>`),
    text(endAt + 8, endHeight + 4, `${name} ${short(points.at(-1)?.[1] ?? 0)}`, `style="fill:${colour}"`),
  ]
}

function text(x: number, y: number, words: string, more = ''): string {
  return `<text x="${n(x)}" y="${n(y)}" ${more}>${words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Math.round(value * 10) / 10)
}

/** The least of 1, 2, 4 and 8 times a power of ten above a value: four steps of it are round. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return (([1, 2, 4, 8] as const).find((step) => step * power >= value) ?? 10) * power
}
