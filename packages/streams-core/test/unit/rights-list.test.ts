import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { commandRules, keyRules, type Program, rights } from '../../src/settings.ts'

const at = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url))
const programs = Object.keys(rights) as Program[]

test('docs/operations.md shows the rights of each program: those that it needs, then those that are optional', () => {
  const page = readFileSync(at('docs/operations.md'), 'utf8')
  const shown = [...page.matchAll(/^ACL SETUSER (producer|consumer|operator) .*$/gm)].map(([line]) => line)
  const lines = (rulesOf: (program: Program) => string[]) =>
    programs.map((program) => ['ACL SETUSER', program, ...rulesOf(program)].join(' '))
  expect(shown).toEqual([
    ...lines((program) => [
      ...['reset on >secret', ...keyRules('user_events')],
      ...commandRules(program, rights[program].needed, 'user_events'),
    ]),
    ...lines((program) => commandRules(program, rights[program].optional, 'user_events')),
  ])
})

test('deploy/redis/users.acl grants each program its rights; `npx vitest run rights-list -u` writes it anew', async () => {
  // For the setting DURABILITY=fsync. Redis 7.0 does not know it, that of Compose does.
  const further: Partial<Record<Program, string[]>> = { producer: ['+waitaof'] }
  const users = programs.map((program) => {
    const { needed, optional } = rights[program]
    const commands = [...needed, ...optional, ...(further[program] ?? [])]
    const rules = [...keyRules('%stream%'), ...commandRules(program, commands, '%stream%')]
    return `user ${program} on #%${program}% ${rules.join(' ')}`
  })
  const lines = [
    '# The users of Redis, made of packages/streams-core/src/define/rights.ts. start.sh puts in what has percent signs.',
    'user default off',
    '# For the health check of the container.',
    'user health on nopass +ping',
    ...users,
  ]
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(at('deploy/redis/users.acl'))
})
