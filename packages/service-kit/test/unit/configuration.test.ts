import { readFileSync } from 'node:fs'
import { isSetting, parseSettings, settingNames, sharedSettings } from '@redis-streams-processor/service-kit'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { settingsSchema as consoleSchema } from '../../../../services/console/src/settings.ts'
import { settingsSchema as consumerSchema } from '../../../../services/consumer/src/settings.ts'
import { settingsSchema as producerSchema } from '../../../../services/producer/src/settings.ts'

// README.md, .env.example and docker-compose.yml repeat the names and the defaults of the settings. The schemas say
// what is true.

const schemas = { Producer: producerSchema, Consumer: consumerSchema, Console: consoleSchema }

/** The sections of each document, and the lines that state a variable and its default. */
const documents = {
  'README.md': { section: /^\| \*\*(.+)\*\* \|/, variable: /^\| `([A-Z_]+)` \| `?([^`|]*?)`? \|/ },
  '.env.example': { section: /^# ── (.+?) ─/, variable: /^([A-Z_]+)=(.*)$/ },
  'docker-compose.yml': {
    section: /^ *(x-settings|x-consumer-settings|producer|consumer|console):/,
    variable: /^ +([A-Z_]+): \$\{\1:-(.*)\}$/,
  },
}

/** Sections that are named otherwise than in the README. */
const SECTIONS: Record<string, string> = {
  'x-settings': 'Both services',
  'x-consumer-settings': 'Consumer',
  consumer: 'Consumer',
  producer: 'Producer',
  console: 'Console',
}

/** Variables that Compose does not pass on; docker-compose.yml says why. */
const NOT_IN_COMPOSE = [
  'BURST',
  'REDIS_URL',
  'LEDGER_DIR',
  'OPS_PORT',
  'OPS_HOST',
  'HTTP_PORT',
  'HTTP_HOST',
  'CONSUMER',
  'HANDLERS',
  'CONSOLE_PORT',
  'CONSOLE_HOST',
  'CONSOLE_TOKEN',
]
const isInCompose = (name: string) => !NOT_IN_COMPOSE.includes(name) && !name.endsWith('_FILE')

test.each(Object.keys(documents) as (keyof typeof documents)[])(
  '%s names every setting in its section with its default, and no other',
  (path) => {
    const isStated = path === 'docker-compose.yml' ? isInCompose : () => true
    const expected = Object.entries(schemas)
      .flatMap(([service, schema]) => settingsOf(service, schema))
      .filter(({ name }) => isStated(name))
      .map(({ section, name, value }) => `${section}: ${name}=${value}`)
    expect(statedIn(path).sort()).toEqual([...new Set(expected)].sort())
  },
)

test('each service knows the names of the settings of all', () => {
  const names = Object.values(schemas).flatMap(({ shape }) => Object.keys(shape))
  // The names of secrets have a pattern in common, so that a new source of webhooks needs no new name here.
  const secrets = names.filter((name) => /_SECRET(_FILE)?$/.test(name))
  expect(secrets).toContain('WEBHOOK_GITHUB_SECRET_FILE')
  expect(names.filter((name) => !isSetting(name))).toEqual([])
  expect([...settingNames, ...secrets].sort()).toEqual([...new Set(names)].sort())
})

function settingsOf(service: string, schema: z.ZodObject) {
  const defaults: Record<string, unknown> = parseSettings(schema, {})
  return Object.keys(schema.shape).map((name) => {
    const section = name in sharedSettings ? 'Both services' : service
    return { section, name, value: defaults[name] ?? 'empty' }
  })
}

function statedIn(path: keyof typeof documents): string[] {
  const { section, variable } = documents[path]
  let current = 'no section'
  return readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const title = section.exec(line)?.[1]
      if (title !== undefined) current = SECTIONS[title] ?? title
      const [, name, value] = variable.exec(line) ?? []
      return name === undefined ? [] : [`${current}: ${name}=${value || 'empty'}`]
    })
}
