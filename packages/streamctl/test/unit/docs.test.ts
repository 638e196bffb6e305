import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { data } from '../../src/data.ts'
import { examples } from '../../src/examples.ts'
import { allCommands, createProgram, pathOf } from '../../src/program.ts'
import { widthOf } from '../../src/show/text.ts'
import { exitCodes } from '../../src/tool/exit-codes.ts'
import { typeText } from '../support/type-text.ts'

const commands = allCommands(createProgram()).filter((command) => command.name() !== 'help')

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({
    writeOut: (part) => {
      text += part
    },
  })
  command.outputHelp()
  return text.trim()
}

test('every command has an example in its help, and its data is documented', () => {
  expect(Object.keys(examples).sort()).toEqual(commands.map(pathOf).sort())
  const withoutData = commands.filter(({ commands: below }) => below.length === 0).map(pathOf)
  expect(withoutData.filter((path) => path !== 'completion').sort()).toEqual(Object.keys(data).sort())
})

test('no line of a help is wider than 80 columns', () => {
  const lines = commands.flatMap((command) => helpOf(command).split('\n'))
  expect(lines.filter((line) => widthOf(line) > 80)).toEqual([])
})

test('docs/streamctl.md; `npx vitest run streamctl/test/unit/docs -u` writes it anew', async () => {
  const page = [
    '# streamctl',
    '',
    'A command line for whoever operates streams. [The README](../README.md#operate-it) shows it at work. This page is made of its `--help` and of the schemas of its output.',
    '',
    'From the root of the repository, after `npm ci`: `npx streamctl …`. It takes the settings of the services, from the environment or from `.env`: `REDIS_URL`, `REDIS_PASSWORD_FILE` and the other files beside it, `STREAM`, and, to publish and to trim, the [retention](../README.md#configuration). `--redis` and `--stream` come before them. Its user in Redis needs the rights of [`operator`](operations.md#the-rights-of-a-user).',
    '',
    '- Output fits the terminal; without one, lines have at most 80 columns. Longer names are cut; `--json` has them whole. There are no colours. Questions, progress and errors go to standard error.',
    '- The data of events is shown only with `--payload`.',
    '- What destroys something asks first; so does the pause of an event type that nobody knows. Without a terminal, or with `--json`, it is refused unless you say `--yes`.',
    '- Times are in UTC, by the clock of Redis; so is a start some time ago (`--from 10m`). How long ago something was, and the age of a dead letter (`--older-than`), are by the clock of this machine: `doctor` says whether the two differ. A time span is a number with `ms`, `s`, `m`, `h` or `d`.',
    '- A Ctrl-C ends a command at once; a redrive, a purge and a search say first what they have done.',
    '',
    '## Exit codes',
    '',
    '| Code | Meaning |',
    '|---|---|',
    ...Object.values(exitCodes).map(([code, meaning]) => `| ${code} | ${meaning} |`),
    '',
    '## JSON',
    '',
    'With `--json`, each line of standard output is one object. `data` is what the command gives, as shown with each command below; what is not known is left out. `tail` and `status --watch` give one line after another, the others one.',
    '',
    '```ts',
    '{ command: string, stream: string, ok: true, data: … }',
    '{ command: string, ok: false, error: { code: string, message: string, exitCode: number } }',
    '```',
    '',
    ...commands.flatMap((command) => {
      const path = pathOf(command)
      const schema: z.ZodType | undefined = data[path as keyof typeof data]
      const json =
        schema === undefined ? [] : ['', '`data` with `--json`:', '', '```ts', typeText(z.toJSONSchema(schema)), '```']
      return [`## streamctl ${path}`.trimEnd(), '', '```text', helpOf(command), '```', ...json, '']
    }),
  ]
  const file = fileURLToPath(new URL('../../../../docs/streamctl.md', import.meta.url))
  await expect(page.join('\n')).toMatchFileSnapshot(file)
})
