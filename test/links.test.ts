import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const pages = globSync('**/*.md', { cwd: root, exclude: ['**/node_modules', '.tallygate', 'client/dist'] })

/** A link of a page. */
interface Link {
  readonly page: string
  readonly line: number
  readonly target: string
}

/** The lines of a page outside its code, which links to nothing. */
function proseOf(page: string): readonly string[] {
  let fence: string | null = null
  return readFileSync(join(root, page), 'utf8')
    .split('\n')
    .map((line) => {
      const [, mark = null] = line.match(/^\s*(`{3,}|~{3,})/) ?? []
      if (fence === null && mark !== null) fence = mark
      else if (fence !== null) fence = mark?.startsWith(fence) === true ? null : fence
      else return line.replaceAll(/`[^`]*`/g, (code) => '·'.repeat(code.length))
      return ''
    })
}

function linksOf(page: string): readonly Link[] {
  return proseOf(page).flatMap((text, index) =>
    [...text.matchAll(/\]\(<?([^()\s>]+)>?(?:\s+"[^"]*")?\)|<(?:img|a)\s[^>]*?(?:src|href)="([^"]+)"/g)].map(
      ([, inline, html]): Link => ({ page, line: index + 1, target: inline ?? html ?? '' }),
    ),
  )
}

/** The anchors that GitHub gives the headings of a page: the second of a kind has a number. */
function anchorsOf(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const lines = readFileSync(join(root, page), 'utf8').split('\n')
  const prose = proseOf(page)
  const headings = lines.filter((_, index) => /^#{1,6} /.test(prose[index] ?? ''))
  const anchors = headings.map((heading) => {
    const text = heading.replace(/^#+ /, '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    const slug = text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    const before = seen.get(slug) ?? 0
    seen.set(slug, before + 1)
    return before === 0 ? slug : `${slug}-${before}`
  })
  return new Set(anchors)
}

/** What is wrong with a link, or null. */
function faultOf({ page, target }: Link): string | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return null
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? join(root, page) : resolve(root, dirname(page), decodeURI(path))
  const place = relative(root, file)
  if (place.startsWith('..')) return 'leaves the repository'
  if (!existsSync(file)) return `there is no ${place}`
  if (anchor === undefined || statSync(file).isDirectory() || !file.endsWith('.md')) return null
  return anchorsOf(place).has(anchor) ? null : `${place} has no heading #${anchor}`
}

test('links: every relative link of every page leads to a file, and every anchor to a heading', () => {
  const links = pages.flatMap(linksOf)
  expect(pages).toContain('README.md')
  expect(links.length).toBeGreaterThan(20)
  const broken = links.flatMap((link) => {
    const fault = faultOf(link)
    return fault === null ? [] : [`${link.page}:${link.line} ${link.target}: ${fault}`]
  })
  expect(broken).toEqual([])
})

test('pages: every page of docs is reached by links from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached) {
    for (const { target } of linksOf(page)) {
      const [path = ''] = target.split('#')
      const place = relative(root, resolve(root, dirname(page), path))
      const found = [place, `${place}/README.md`].filter((one) => pages.includes(one))
      for (const one of found) reached.add(one)
    }
  }
  const isListedByFolder = (page: string): boolean => page.startsWith('docs/adr/')
  expect(
    pages.filter((page) => page.startsWith('docs/') && !isListedByFolder(page) && !reached.has(page)),
  ).toEqual([])
})
