import { number } from './format.js'
import { colour } from './theme.js'
import uPlot from './vendor/uplot.js'

const DAY_S = 86_400
const HEIGHT = 220

/**
 * Days as bars (what a day used) or steps (what there was), drawn anew with the colours and the width of the page.
 *
 * @param {HTMLElement} place
 * @param {{ at: number[], used: (number | null)[], isFlow: boolean, limit: number | null, onDay: (index: number | null) => void }} data
 *   `at` is the start of each day, epoch seconds
 * @returns {() => void} takes it away
 */
export function dayChart(place, data) {
  let plot = null
  const draw = () => {
    plot?.destroy()
    /** @type {import('uplot').AlignedData} */
    const columns = [data.at, data.used, ...(data.limit === null ? [] : [data.at.map(() => data.limit)])]
    plot = new uPlot(optionsOf(data, place.clientWidth), columns, place)
  }
  const resized = new ResizeObserver(() => {
    if (plot === null || place.clientWidth === 0) return
    if (plot.width !== place.clientWidth) plot.setSize({ width: place.clientWidth, height: HEIGHT })
  })
  draw()
  resized.observe(place)
  document.addEventListener('themechange', draw)
  return () => {
    resized.disconnect()
    document.removeEventListener('themechange', draw)
    plot?.destroy()
  }
}

/** @returns {import('uplot').Options} */
function optionsOf({ isFlow, limit, onDay }, width) {
  return {
    width,
    height: HEIGHT,
    padding: [12, 12, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: !isFlow }, drag: { x: false, y: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
    scales: {
      x: { range: (_plot, least, most) => [least - DAY_S / 2, most + DAY_S / 2] },
      y: { range: (_plot, _least, most) => [0, Math.max((most ?? 0) * 1.12, 4)] },
    },
    hooks: { setCursor: [({ cursor }) => onDay(cursor.idx ?? null)] },
    axes: axesOf(),
    series: [{}, usedSeries(isFlow), ...(limit === null ? [] : [limitSeries()])],
  }
}

function usedSeries(isFlow) {
  const common = { label: 'Used', stroke: colour('accent'), fill: colour('chart-fill'), width: 2 }
  if (isFlow)
    return {
      ...common,
      width: 0,
      fill: colour('accent'),
      paths: uPlot.paths.bars({ size: [0.62, 34], radius: 0.15 }),
      points: { show: false },
    }
  return {
    ...common,
    spanGaps: true,
    paths: uPlot.paths.stepped({ align: 1 }),
    points: { show: true, size: 5, fill: colour('accent') },
  }
}

function limitSeries() {
  return { label: 'Limit', stroke: colour('bad-line'), width: 1.5, dash: [6, 5], points: { show: false } }
}

function axesOf() {
  const look = {
    stroke: colour('text-soft'),
    font: '12px system-ui, sans-serif',
    ticks: { show: false },
    grid: { stroke: colour('line'), width: 1 },
  }
  const short = new Intl.DateTimeFormat('en-US', { day: 'numeric', month: 'short', timeZone: 'UTC' })
  return [
    {
      ...look,
      grid: { show: false },
      incrs: [1, 2, 4, 7, 14, 28].map((days) => days * DAY_S),
      space: 64,
      values: (_plot, ticks) => ticks.map((seconds) => short.format(seconds * 1_000)),
    },
    {
      ...look,
      size: 64,
      incrs: [1, 2, 5]
        .flatMap((step) => [0, 1, 2, 3, 4, 5, 6, 7, 8].map((power) => step * 10 ** power))
        .sort((a, b) => a - b),
      values: (_plot, ticks) => ticks.map(number),
    },
  ]
}
