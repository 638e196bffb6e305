import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { settingsSchema as producerSchema } from '../../../producer/src/settings.ts'
import { settingsSchema as consumerSchema } from '../../src/settings.ts'

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8')

/** Variable → default of a service; `empty` where it has none. */
function defaultsOf(schema: typeof producerSchema | typeof consumerSchema): Map<string, string> {
  const defaults: Record<string, unknown> = schema.parse({})
  return new Map(Object.keys(schema.shape).map((name) => [name, String(defaults[name] ?? 'empty')]))
}
const producer = defaultsOf(producerSchema)
const consumer = defaultsOf(consumerSchema)
const all = new Map([...producer, ...consumer])

const matches = (text: string, pattern: RegExp) =>
  new Map([...text.matchAll(pattern)].map(([, name, value]) => [name as string, value || 'empty']))

describe('every variable is documented with its default, and no other is', () => {
  test('both services have the same default for what both have', () => {
    for (const [name, value] of producer) expect(consumer.get(name) ?? value).toBe(value)
  })

  test('in the configuration table of the README', () => {
    const [, table = ''] = read('README.md').split('\n## Configuration\n')
    const rows = matches(table.split('\n## ')[0] ?? '', /^\| `([A-Z_]+)` \| `?([^`|]*?)`? \|/gm)
    expect(sorted(rows)).toEqual(sorted(all))
  })

  test('in .env.example', () => {
    expect(sorted(matches(read('.env.example'), /^([A-Z_]+)=(.*)$/gm))).toEqual(sorted(all))
  })

  test('in docker-compose.yml, but for those that no container can use', () => {
    const passedOn = new Map(all)
    for (const name of ['REDIS_URL', 'LEDGER_DIR', 'CONSUMER', 'HANDLERS']) passedOn.delete(name)
    const inCompose = matches(read('docker-compose.yml'), /^ +([A-Z_]+): \$\{\1:-(.*)\}$/gm)
    expect(sorted(inCompose)).toEqual(sorted(passedOn))
  })
})

const sorted = (variables: ReadonlyMap<string, string>) => [...variables].map((pair) => pair.join('=')).sort()
