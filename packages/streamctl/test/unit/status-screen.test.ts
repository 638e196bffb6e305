import { describe, expect, test } from 'vitest'
import type { DataOf } from '../../src/data.ts'
import { statusScreen } from '../../src/show/status-screen.ts'
import { widthOf } from '../../src/show/text.ts'

type Group = DataOf<'status'>['groups'][number]
type Consumer = Group['consumers'][number]

const consumer = (name: string, given: Partial<Consumer> = {}): Consumer => ({
  role: 'own',
  ...{ name, consumer: name, state: 'idle', pending: 0, idleMs: 500 },
  ...given,
})
const group = (name: string, given: Partial<Group> = {}): Group => ({
  state: 'idle',
  urgency: 0,
  ...{ group: name, lag: 0, isLagExact: true, pending: 0, waitingForRetry: 0, oldestUnhandledMs: 0 },
  ...{ deadLetters: 0, droppedUnread: 0, lastDeliveredId: '0-0', pausedTypes: [], alive: 1, silentMs: 500 },
  consumers: [consumer(`of-${name}`)],
  ...given,
})
const stuck = (name: string) =>
  group(name, { state: 'no-consumer', urgency: 2, why: `no consumer is at work, ${'x '.repeat(50)}` })
const screen = (groups: Group[], height: number) => {
  const server = { name: 'redis', version: '8.6.3', warnings: [] }
  const status = { redis: 'redis://127.0.0.1:6379', server, length: 5, groups }
  const lines = statusScreen('user_events', status, { width: 80, height })
  expect(lines.filter((line) => widthOf(line) > 80)).toEqual([])
  return lines
}
const names = (length: number, what: string) => Array.from({ length }, (_, n) => `${what}-${n}`)

describe('a screen of status', () => {
  test.each([16, 24, 50])('fits into %d lines, however much is the matter', (height) => {
    const limited = names(30, 'limited').map((name) => group(name, { state: 'working', urgency: 1, why: 'limited' }))
    const groups = [...names(30, 'idle').map((name) => group(name)), ...limited, ...names(30, 'stuck').map(stuck)]
    const lines = screen(groups, height)
    expect(lines.length).toBeLessThan(height)
    // What is the matter comes first, and each thing that is left out is counted.
    expect(lines.join('\n')).toMatch(/^stuck-0 +no consumer/m)
    expect(lines.join('\n')).toMatch(/^and \d+ groups more: --json shows all/m)
    expect(lines.join('\n')).toMatch(/^stuck-0: no consumer is at work/m)
    expect(lines.join('\n')).toMatch(/^and \d+ reasons? more: --json shows all/m)
  })

  test('shows everything where there is room', () => {
    const text = screen([group('a'), stuck('b')], 24).join('\n')
    expect(text).toMatch(/^a +idle/m)
    expect(text).toMatch(/^b: no consumer/m)
    expect(text).toMatch(/^of-a +a +idle +0 +500 ms ago$/m)
    expect(text).toMatch(/^CONSUMER +GROUP +STATE +PENDING +LAST SEEN$/m)
    expect(text).not.toContain('more')
  })

  test('leaves consumers out first', () => {
    const consumers = names(40, 'c').map((name, n) => consumer(name, { pending: n === 39 ? 1 : 0 }))
    const lines = screen([group('a', { consumers }), stuck('b')], 24)
    expect(lines).toHaveLength(23)
    expect(lines.join('\n')).toMatch(/^c-39 +a +idle +1 /m)
    expect(lines.at(-1)).toMatch(/^and \d+ consumers more/)
  })

  test('says what to do about a state', () => {
    const paused = group('a', { state: 'paused', why: 'paused by an operator' })
    expect(screen([paused], 24)).toContain('a: paused by an operator. To go on: group resume a')
  })

  test('counts the consumers that hold nothing and were not seen for long, and leaves out other names that hold nothing', () => {
    const consumers = [
      ...names(3, 'gone').map((name) => consumer(name, { idleMs: 300_000 })),
      ...[
        consumer('recent', { idleMs: 299_000 }),
        consumer('holding', { state: 'gone', idleMs: 3_000_000, pending: 1 }),
      ],
      consumer('recent~alone', { consumer: 'recent', role: 'alone' }),
      consumer('~suspect', { consumer: '', role: 'suspects' }),
    ]
    const lines = screen([group('a', { consumers })], 24)
    const text = lines.join('\n')
    expect(text).toMatch(/^holding +a +gone +1 +50 min ago\nrecent +a +idle +0 +4 min ago\n/m)
    expect(text).not.toMatch(/gone-|runs alone|suspects/)
    expect(lines.slice(-2).join('')).toBe(
      'and 3 consumers that hold nothing, last seen 5 min ago or before. To delete the  names: consumers prune',
    )
    const onlyGone = screen([group('a', { consumers: consumers.slice(0, 1) })], 24)
    expect(onlyGone.slice(-2).join('')).toMatch(/^and 1 consumer that holds nothing, last seen 5 min ago or before/)
    expect(onlyGone.join('\n')).not.toContain('CONSUMER')
  })

  test.each([12, 24])('of %d lines keeps one for each thing that it leaves out', (height) => {
    const consumers = [
      ...names(40, 'c').map((name) => consumer(name)),
      ...names(4, 'gone').map((name) => consumer(name, { idleMs: 600_000 })),
    ]
    const lines = screen([group('a', { consumers })], height)
    expect(lines.length).toBeLessThan(height)
    expect(lines.join(' ')).toMatch(/and \d+ consumers more: --json shows all and 4 consumers that hold nothing/)
  })

  test('names in Redis are told as consumers', () => {
    const consumers = [
      consumer('c~alone', { consumer: 'c', role: 'alone', pending: 1 }),
      consumer('c~left', { consumer: 'c', role: 'left', pending: 1 }),
      consumer('~suspect', { consumer: '', role: 'suspects', state: undefined, pending: 1 }),
    ]
    const text = screen([group('a', { consumers })], 24).join('\n')
    for (const title of ['c, runs alone', 'c, earlier process', '(crash suspects)']) expect(text).toContain(title)
    expect(text).not.toContain('~')
  })
})
