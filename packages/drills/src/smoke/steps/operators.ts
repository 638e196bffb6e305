import { readFileSync } from 'node:fs'
import { compareIds } from '@redis-streams-processor/streams-core'
import { GROUP, type Stack } from '../stack.ts'
import { must, type Step } from '../step.ts'

const TOKEN_FILE = new URL('../../../../../deploy/development-passwords/console_token', import.meta.url)

/** What operators use, in the containers of Compose: the command line, and the page on a port of this machine alone. */
export const operators: Step = {
  name: 'the command line and the page of operators',
  async run(stack) {
    await commandLine(stack)
    await page(stack)
    return { seen: `streamctl agrees with Redis, and the page at port ${stack.consolePort} lets in who has the token` }
  },
}

/** While entries are delivered: what it says must lie between what Redis says before and after. */
async function commandLine(stack: Stack): Promise<void> {
  const before = await stack.group.state()
  const output = await stack.compose('run', '--rm', '-T', 'streamctl', 'status', '--json')
  const after = await stack.group.state()
  const { data } = JSON.parse(output) as { data: { groups: { group: string; lastDeliveredId: string }[] } }
  const seen = data.groups.find(({ group }) => group === GROUP)?.lastDeliveredId ?? '0-0'
  const isBetween = compareIds(before.lastDeliveredId, seen) <= 0 && compareIds(seen, after.lastDeliveredId) <= 0
  must(isBetween, `streamctl status said that ${seen} was delivered last, which Redis did not`)
}

async function page(stack: Stack): Promise<void> {
  const [container = ''] = await stack.running('console')
  const address = `127.0.0.1:${stack.consolePort}`
  const published = (await stack.docker('port', container, '8080')).trim()
  must(published === address, `the page is served at ${published}`)
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`http://${address}${path}`, init)
    await answer.arrayBuffer()
    return answer
  }
  must((await ask('/')).status === 200, 'the page is not served')
  must((await ask('/api/session')).status === 401, 'the page lets in whoever comes')
  const body = JSON.stringify({ token: readFileSync(TOKEN_FILE, 'utf8').trim() })
  const login = await ask('/api/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const cookie = String(login.headers.get('set-cookie')).split(';', 1)[0] ?? ''
  const found = await ask('/api/find?id=nobody-knows-it', { headers: { cookie } })
  must(found.status === 200, `the page does not let in who has the token, or does not reach Redis: ${found.status}`)
}
