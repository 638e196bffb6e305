import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const readme = read('README.md')
const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
)

/** As GitHub names the anchor of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
const anchorsIn = (page: string) => [...page.matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] as string))

describe('the README and docs', () => {
  test('the example is docs/example.ts, word for word', () => {
    expect(readme).toContain(`\`\`\`ts\n${read('docs/example.ts')}\`\`\`\n`)
  })

  test.each(pages)('%s: every relative link leads to something', (path) => {
    const page = read(path)
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] as string)
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      if (!existsSync(join(ROOT, target))) return true
      return anchor !== undefined && !anchorsIn(read(target)).includes(anchor)
    })
    expect(broken).toEqual([])
  })
})
