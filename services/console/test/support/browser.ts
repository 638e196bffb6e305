import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPath } from '@redis-streams-processor/testbed'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, expect, onTestFailed } from 'vitest'

/** Debian's package `chromium`, or Google's Chrome; without either, the tests of the page are skipped, but not in CI. */
export const chromiumPath = onPath('chromium') ?? onPath('chromium-browser') ?? onPath('google-chrome')
if (!chromiumPath && process.env.CI) throw new Error('the tests of the page need Chromium: install it')

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TELL_VIOLATIONS = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  console.error('the policy ' + violatedDirective + ' was violated by ' + blockedURI)
})`
let browser: Browser | undefined
afterAll(() => browser?.close())

export interface Visit {
  page: Page
  /** Everything that should not have happened: violations of the policy, other hosts, errors of the page. */
  readonly faults: readonly string[]
  close(): Promise<void>
}

type Look = Parameters<Browser['newPage']>[0]

/** Opens the page in a browser that writes down whatever must not happen. */
export async function visit(url: string, options: Look = {}): Promise<Visit> {
  browser ??= await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] })
  const context = await browser.newContext({ viewport: { width: 1_180, height: 1_000 }, ...options })
  const page = await context.newPage()
  const faults: string[] = []
  const { host } = new URL(url)
  page.on('request', (request) => {
    if (new URL(request.url()).host !== host) faults.push(`a request to ${request.url()}`)
  })
  page.on('pageerror', ({ message }) => faults.push(`an error: ${message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`the console: ${message.text()}`)
  })
  await page.addInitScript(TELL_VIOLATIONS)
  onTestFailed(async ({ task }) => {
    const path = join(tmpdir(), `console-failed-${task.id}.png`)
    await page.screenshot({ path, fullPage: true })
    console.error(`what the page showed: ${path}`)
    await context.close()
  })
  await page.goto(url)
  return { page, faults, close: () => context.close() }
}

/** What axe finds wrong with the page as it is now. */
export async function findingsOf(page: Page): Promise<string[]> {
  // As the debugger does, because the policy of the page lets no script in.
  await page.evaluate(AXE)
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run())
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>
}

/** At the end of each visit. `expected`: faults that belong to what was tested. */
export async function leave({ page, faults, close }: Visit, expected?: RegExp): Promise<void> {
  const found = await findingsOf(page)
  await close()
  expect(faults.filter((fault) => !expected?.test(fault))).toEqual([])
  expect(found).toEqual([])
}
