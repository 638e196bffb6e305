import type { GroupState } from '@redis-streams-processor/streams-core'
import { describe, expect, test } from 'vitest'
import { duration, startPoint } from '../../src/input.ts'
import { judgeGroup } from '../../src/show/judge-group.ts'
import { payloadLines } from '../../src/show/payload.ts'
import { table } from '../../src/show/table.ts'
import { clean, cut, widthOf, wrap } from '../../src/show/text.ts'
import { some, span } from '../../src/show/words.ts'

describe('texts', () => {
  test('what a terminal would obey is shown as its code', () => {
    expect(clean('a\u001b[31m\nb\u202ec\u2028')).toBe('a\\u{1b}[31m\\u{a}b\\u{202e}c\\u{2028}')
    expect(clean('用户 👩‍👩‍👧 é')).toBe('用户 👩‍👩‍👧 é')
  })

  test('are cut by columns, not by characters', () => {
    expect(cut('用户用户', 8)).toBe('用户用户')
    expect(cut('用户用户', 7)).toBe('用户用…')
    expect(cut('用户用户', 6)).toBe('用户…')
    expect(cut('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧…')
  })

  test('are wrapped at spaces; a long word is divided; spaces in front stay', () => {
    expect(wrap('one two three', 9, 2)).toEqual(['one two', '  three'])
    expect(wrap('  a bb ccc dddd', 10, 4)).toEqual(['  a bb ccc', '    dddd'])
    expect(wrap('用户'.repeat(10), 11, 2).every((line) => widthOf(line) <= 11)).toBe(true)
    expect(wrap('x'.repeat(25), 10, 2)).toEqual(['xxxxxxxxxx', '  xxxxxxxx', '  xxxxxxx'])
    expect(wrap('', 10)).toEqual([''])
  })

  test('a payload is set out, and never wider than asked', () => {
    const data = JSON.stringify({ deep: { deeper: { text: 'x'.repeat(200), list: [1, 2] } } })
    const lines = payloadLines(['id', 'e-1', 'data', data, 'other', 'a\nb', 'data', 'no json'], 40)
    expect(lines.filter((line) => widthOf(line) > 40)).toEqual([])
    expect(lines).toContain('    "deep": {')
    expect(lines).toContain('  data: no json')
  })
})

describe('a table', () => {
  const columns = [
    { title: 'NAME', of: ([name]: [string, number]) => name, min: 6 },
    { title: 'COUNT', of: ([, value]: [string, number]) => String(value), right: true },
  ]

  test('has no column wider than needed', () => {
    expect(
      table(
        columns,
        [
          ['a', 1],
          ['bcdefg', 200],
        ],
        80,
      ),
    ).toEqual(['NAME    COUNT', 'a           1', 'bcdefg    200'])
  })

  test('cuts what may be cut', () => {
    expect(table(columns, [['a'.repeat(100), 1]], 20)).toEqual(['NAME           COUNT', 'aaaaaaaaaaaa…      1'])
  })
})

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [4_230, '4.2 s'],
  [59_400, '59 s'],
  [60_000, '1 min'],
  [3_599_000, '59 min'],
  [3_600_000, '1 h'],
  [11_100_000, '3 h 5 min'],
  [187_200_000, '2 d 4 h'],
])('%d ms are "%s"', (ms, text) => expect(span(ms)).toBe(text))

test('numbers of things', () => {
  expect([some(1, 'entry', 'entries'), some(12_345, 'entry', 'entries')]).toEqual(['1 entry', '12,345 entries'])
})

describe('what people type', () => {
  test.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['50ms', 50],
  ])('%s', (text, ms) => expect(duration(text)).toBe(ms))

  test.each(['', '10', 'm', '-5m', '10 parsecs', '1e3s'])('"%s" is no time span', (text) => {
    expect(() => duration(text)).toThrow('Expected a time span such as')
  })

  test('starts of a group', () => {
    expect(startPoint('end')).toBe('end')
    expect(startPoint('1764043200123-0')).toEqual({ entryId: '1764043200123-0' })
    expect(startPoint('2026-11-03T20:00:00Z')).toEqual({ time: new Date('2026-11-03T20:00:00Z') })
    const { time } = startPoint('10m') as { time: number }
    expect(Math.abs(Date.now() - 600_000 - time)).toBeLessThan(1_000)
    for (const text of ['yesterday', '2026-13-45', '5', '']) expect(() => startPoint(text)).toThrow('Expected')
  })
})

describe('which group is stuck, and why', () => {
  const alive = { name: 'host-1', pending: 0, idleMs: 500 }
  const group = (given: Partial<GroupState>): GroupState => ({
    ...{ group: 'billing', lag: 0, isLagExact: true, pending: 0, waitingForRetry: 0, oldestUnhandledMs: 0 },
    ...{ deadLetters: 0, droppedUnread: 0, lastDeliveredId: '0-0', consumers: [alive] },
    ...{ paused: undefined, pausedTypes: [], limitPerSecond: undefined },
    ...given,
  })
  const since = '2026-11-03T20:00:00.000Z'

  test.each<[string, Partial<GroupState>, string, RegExp | undefined]>([
    ['nothing to do', {}, 'idle', undefined],
    ['nothing to do, and nobody there', { consumers: [] }, 'idle', undefined],
    ['at work', { lag: 5, oldestUnhandledMs: 2_000 }, 'working', undefined],
    ['nobody there', { lag: 5, consumers: [] }, 'no-consumer', /no consumer has asked for entries ever/],
    ['all silent', { pending: 1, consumers: [{ ...alive, idleMs: 3_600_000 }] }, 'no-consumer', /for 1 h/],
    ['only a pseudo-consumer', { pending: 1, consumers: [{ ...alive, name: 'host-1~alone' }] }, 'no-consumer', /ever/],
    [
      'all failing',
      { waitingForRetry: 7, oldestUnhandledMs: 90_000 },
      'retrying',
      /7 entries, waits for a retry: pending --group billing/,
    ],
    ['one hangs', { pending: 1, oldestUnhandledMs: 90_000 }, 'slow', /waited for 1 min/],
    [
      'an operator',
      { lag: 1, consumers: [], paused: { by: 'operator', since, reason: 'bank down' } },
      'paused',
      /since 2026-11-03 20:00:00Z: bank down/,
    ],
    [
      'a circuit',
      { paused: { by: 'circuit', since, reason: undefined } },
      'circuit-open',
      /handlers fail, since .*Z\. To go on: group resume billing/,
    ],
    [
      'a paused type',
      { lag: 1, pausedTypes: [{ eventType: 'a', since, reason: undefined, setAside: 3 }] },
      'working',
      /a \(3 entries\)/,
    ],
  ])('%s', (_, given, state, why) => {
    const judged = judgeGroup(group(given))
    expect(judged.state).toBe(state)
    if (why) expect(judged.why).toMatch(why)
    else expect(judged.why).toBeUndefined()
  })
})
