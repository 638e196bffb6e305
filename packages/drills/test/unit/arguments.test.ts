import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

test.each([
  ['drill', ['--nope'], 'Unknown option'],
  ['drill', ['--events', 'many'], '--events: expected a whole number, got many'],
  ['drill', ['--lanes', '0'], '--lanes: expected a whole number from 1 on, got 0'],
  ['drill', ['nope'], 'no such drill: nope'],
  ['demo', ['--nope'], 'Unknown option'],
  ['smoke', ['nope'], 'Unexpected argument'],
])(
  '%s %o: one clear message, exit code 2',
  (program, args, message) => {
    const node = ['--conditions=source', '--import', 'tsx', `packages/drills/src/${program}.ts`, ...args]
    const { status, stderr } = spawnSync(process.execPath, node, { cwd: ROOT, encoding: 'utf8', timeout: 20_000 })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
    expect(status).toBe(2)
  },
  30_000,
)
