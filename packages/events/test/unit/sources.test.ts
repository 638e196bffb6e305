import { readFileSync } from 'node:fs'
import { catalog, defineSource, githubScheme, maxEventBytesOf, sources } from '@redis-streams-processor/events'
import { producerLimits } from '@redis-streams-processor/streams-core/settings'
import { describe, expect, test } from 'vitest'
import { acme } from './own-source.ts'

const { standard, github, stripe } = sources

describe('the sources say what a delivery is', () => {
  test('standard', () => {
    const data = { userId: 'user_1', email: 'a@example.com', plan: 'free' }
    const body = { type: 'user.registered', timestamp: '2026-11-03T20:26:10.344522Z', data }
    expect(standard?.toEvent({ 'webhook-id': 'msg_1' }, body)).toEqual({
      ...{ id: 'msg_1', foreignType: 'user.registered', subject: 'user_1', data },
      time: new Date('2026-11-03T20:26:10.344Z'),
    })
  })

  test('github, and its ping', () => {
    const body = { ref: 'refs/heads/main', repository: { full_name: 'octo/repo' } }
    const headers = { 'x-github-delivery': '72d3162e', 'x-github-event': 'push' }
    expect(github?.toEvent(headers, body)).toEqual({
      ...{ id: '72d3162e', foreignType: 'github.push', subject: 'octo/repo', data: body },
    })
    expect(github?.toEvent({ ...headers, 'x-github-event': 'ping' }, { zen: '' })).toEqual({ noEvent: 'ping' })
  })

  test('stripe', () => {
    const body = { id: 'evt_1', type: 'invoice.paid', created: 1_800_000_000, data: { object: { id: 'in_1' } } }
    expect(stripe?.toEvent({}, body)).toEqual({
      ...{ id: 'evt_1', foreignType: 'stripe.invoice.paid', subject: 'in_1', data: body },
      time: new Date(1_800_000_000_000),
    })
  })

  test('the one of the README makes an event of the catalog', () => {
    const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
    const example = /```ts\n(export const acme.*?)```/s.exec(read('../../../../README.md'))?.[1]
    expect(example).toBeTruthy()
    expect(read('./own-source.ts')).toContain(`\n\n${example}`)
    const event = acme.toEvent({ 'x-acme-delivery': 'd1' }, { customer: 'user_1', order: 'o1', cents: 995 })
    expect(event).toMatchObject({ id: 'd1', type: 'payment.confirmed', subject: 'user_1' })
    expect(catalog['payment.confirmed'].parse('data' in event ? event.data : undefined)).toMatchObject({
      paymentId: 'o1',
    })
  })

  test('have names that fit into a path, a setting and a label, and are not those of the service itself', () => {
    for (const name of Object.keys(sources)) expect(name).toMatch(/^(?!other$|simulator$)[a-z0-9]+(-[a-z0-9]+)*$/)
  })

  test.each<[string, number]>([
    // The last attempt of the schedule in the specification is 75 h 35 min 5 s after the first.
    ['standard', ((75 * 60 + 35) * 60 + 5) * 1_000],
    // So long a delivery can be sent again.
    ['github', 72 * 3_600_000],
    ['stripe', 72 * 3_600_000],
  ])('%s remembers ids for longer than its sender repeats', (name, repeatsForMs) => {
    expect(sources[name]?.dedupeMs).toBeGreaterThan(repeatsForMs)
  })

  test.each([null, 1, 'text', [], {}, { type: 1, id: {}, created: 'x', data: null }, JSON.parse('{"__proto__":{}}')])(
    'and do not throw when it is %j',
    (body) => {
      for (const source of Object.values(sources)) {
        expect(source.toEvent({}, body)).toMatchObject({ foreignType: undefined, id: undefined, data: body })
      }
    },
  )
})

describe('defineSource', () => {
  const toEvent = () => ({ noEvent: 'test' })

  test('remembers ids for four days and takes a megabyte, unless it is told otherwise', () => {
    const source = defineSource({ scheme: githubScheme, toEvent })
    expect(source).toMatchObject({ dedupeMs: 345_600_000, maxBodyBytes: 1_048_576 })
  })

  test('refuses what is out of range', () => {
    const define = (options: object) => () => defineSource({ scheme: githubScheme, toEvent, ...options })
    expect(define({ dedupeMs: 1 })).toThrow('expected dedupeMs to be a whole number from 60000 to 2592000000, got 1')
    expect(define({ maxBodyBytes: 16_000_001 })).toThrow('expected maxBodyBytes')
  })

  test('the largest body becomes an event that producers and consumers take', () => {
    const source = defineSource({ scheme: githubScheme, toEvent, maxBodyBytes: 16_000_000 })
    expect(maxEventBytesOf(source)).toBeLessThanOrEqual(producerLimits.maxEventBytes.max)
  })

  test('compares what the code names with the catalog, when it is compiled', () => {
    // @ts-expect-error the catalog has no such type
    defineSource({ scheme: githubScheme, toEvent: () => ({ type: 'user.delted', data: { userId: 'user_1' } }) })
    // @ts-expect-error this type has other data
    defineSource({ scheme: githubScheme, toEvent: () => ({ type: 'user.deleted', data: { user: 'user_1' } }) })
    defineSource({ scheme: githubScheme, toEvent: () => ({ type: 'user.deleted', data: { userId: 'user_1' } }) })
  })
})
