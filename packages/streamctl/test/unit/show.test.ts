import type { ControlsState, Hindrance, StartPoint, StartResult } from '@redis-streams-processor/streams-core'
import { describe, expect, test } from 'vitest'
import { duration, startPoint } from '../../src/input.ts'
import { type Changed, controlsText, unknownTypeText } from '../../src/show/controls-text.ts'
import { startText } from '../../src/show/group-texts.ts'
import { payloadLines } from '../../src/show/payload.ts'
import { redriveText } from '../../src/show/redrive-text.ts'
import { hindranceText, stateText } from '../../src/show/state.ts'
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

describe('a last column that wraps', () => {
  test('goes on below, and nothing of it is cut', () => {
    const columns = [
      { title: 'ENTRY', of: ([id]: [string, string]) => id },
      { title: 'STATE', of: ([, state]: [string, string]) => state, min: 10, wraps: true },
    ]
    const rows: [string, string][] = [
      ['1-1', 'held by consumer-2, delivery 1'],
      ['2-1', 'retry due'],
    ]
    expect(table(columns, rows, 26)).toEqual([
      'ENTRY  STATE',
      '1-1    held by consumer-2,',
      '       delivery 1',
      '2-1    retry due',
    ])
  })
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
    expect(startPoint('10m')).toEqual({ agoMs: 600_000 })
    for (const text of ['yesterday', '2026-13-45', '5', '']) expect(() => startPoint(text)).toThrow('Expected')
  })
})

describe('what a group has done with an entry', () => {
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString()
  const name = { consumer: 'c-1', role: 'own' as const, owner: 'c-1' }
  const held = { type: 'held' as const, ...name, attempt: 2, history: [] }

  test('a lease that is over is told', () => {
    const living = { ...held, leaseExtendedAt: ago(2_000), isLeaseOver: false }
    expect(stateText(living)).toMatch(/^held by c-1, delivery 2, lease extended 2\.\d s ago$/)
    const over = { ...held, leaseExtendedAt: ago(120_000), isLeaseOver: true }
    const text = 'held by c-1, whose lease is over: others may take it. Delivery 2'
    expect(stateText(over)).toBe(`${text}, lease extended 2 min ago`)
    expect(stateText({ ...over, runningSince: '2026-11-03T20:00:00.000Z' })).toMatch(
      new RegExp(`^${text}, began to run 2026-11-03 20:00:00Z \\(.* ago\\), lease extended 2 min ago$`),
    )
    expect(stateText({ ...over, role: 'left' })).toContain('held by an earlier process of c-1, whose lease is over')
    const suspect = { type: 'crash-suspect' as const, deliveries: 3, consumer: 'c-1', isLeaseOver: true, history: [] }
    expect(stateText(suspect)).toMatch(/taken by c-1, whose lease is over: others may take it$/)
  })

  const since = '2026-11-03T20:00:00.000Z'
  test.each<[Hindrance, told: string]>([
    [
      { type: 'holder-silent', consumer: 'c-1', silentMs: 6_000, leaseLeftMs: 4_000 },
      'c-1 has given no sign of life for 6.0 s: others may take the entry in 4.0 s',
    ],
    [
      { type: 'holder-silent', consumer: 'c-1', silentMs: 60_000, leaseLeftMs: 0 },
      'c-1 has given no sign of life for 1 min: others may take the entry',
    ],
    [
      { type: 'paused', by: 'operator', since, reason: 'bank down' },
      'paused by an operator, since 2026-11-03 20:00:00Z: bank down. To go on: group resume billing',
    ],
    [
      { type: 'paused', by: 'circuit', since, reason: undefined },
      'paused by its circuit, because its handlers fail, since 2026-11-03 20:00:00Z. To go on: group resume billing',
    ],
    [
      { type: 'type-paused', eventType: 'a.b', since, reason: undefined },
      'the event type a.b is paused, since 2026-11-03 20:00:00Z. To go on: group resume billing --type a.b',
    ],
    [
      { type: 'no-consumer', silentMs: undefined },
      'no consumer is at work, it never had one: start one, or see why they ended',
    ],
    [
      { type: 'no-consumer', silentMs: 60_000 },
      'no consumer is at work, for 1 min none has given a sign of life: start one, or see why they ended',
    ],
  ])('why the group does not go on with it: %o', (hindrance, told) => {
    expect(hindranceText('billing', hindrance)).toBe(told)
  })

  test('what was redriven is not called acknowledged, and a copy is for one group only', () => {
    expect(stateText({ type: 'redriven', redrivenAs: '5-1' })).toBe('it died here, and was redriven as entry 5-1')
    expect(stateText({ type: 'not-ours', redrivenFor: 'billing' })).toBe(
      'not for this group, which passes it over: it was redriven for billing only',
    )
  })
})

describe('what a redrive has done', () => {
  const AGAIN = 'redriven before and dead again, which --again redrives, too'

  test.each([
    [2, 0, 0, '2 letters of billing redriven'],
    [0, 0, 0, 'nothing to redrive: billing has no such dead letter'],
    [0, 3, 0, `nothing to redrive in billing; left where they are: 3 letters ${AGAIN}`],
    [
      ...([1, 3, 1] as const),
      `1 letter of billing redriven; left where they are: 2 letters ${AGAIN}; 1 letter that cannot be read, which dead purge deletes`,
    ],
  ])('%d redriven, %d skipped, of which %d cannot be read', (redriven, skipped, unreadable, told) => {
    expect(redriveText('billing', { redriven, skipped, unreadable }, false)).toBe(told)
  })
})

describe('where a group starts', () => {
  const AT = '1764043200123-18446744073709551615'
  const plan = (given: Partial<StartResult> = {}): StartResult => ({
    ...{ group: 'audit', existed: true, startsAfter: '0-0', toHandle: 0, skipped: 0, dropped: 0, oldestEntryId: '1-1' },
    ...{ isStartTrimmed: false, atWork: [], freeInMs: 0 },
    ...given,
  })

  test.each<[from: StartPoint, startsAfter: string, place: string]>([
    ['beginning', '0-0', 'the oldest entry in the stream'],
    ['end', '1764043200123-4', 'what is published from now on'],
    [{ entryId: '1764043200124-0' }, AT, 'entry 1764043200124-0'],
    [{ entryId: '1764043200124-3' }, '1764043200124-2', 'entry 1764043200124-3'],
    [{ time: new Date('2026-11-29T20:00:00Z') }, AT, '2026-11-29 20:00:00Z'],
    [{ agoMs: 600_000 }, AT, '10 min ago (2025-11-25 04:00:00Z)'],
    [{ agoMs: 600_000 }, '1764043200123-4', '10 min ago'],
  ])('%j is told as it was given', (from, startsAfter, place) => {
    const told = startText(plan({ startsAfter }), from, true, 200)
    expect(told).toEqual([`Group audit would be set to ${place}: 0 entries to handle.`])
  })

  test('a replay says that effects happen again, and that dead letters stay; a new group need not be told', () => {
    expect(startText(plan({ toHandle: 3, skipped: 1, dropped: 2 }), 'beginning', true, 200)).toEqual([
      'Group audit would be set to the oldest entry in the stream: 3 entries to handle, whether it had handled them or not. Effects happen again.',
      '1 entry before that, not acknowledged, would not be handled.',
      'The deliveries so far of 2 entries that were pending are forgotten.',
      'Its dead letters stay: redriven, an event that is handled again would be handled once more.',
    ])
    expect(startText(plan({ existed: false, toHandle: 3 }), 'beginning', false, 200)).toEqual([
      'Group audit is created at the oldest entry in the stream: 3 entries to handle.',
    ])
  })

  test('a replay that would be refused: for how long nobody may give a sign of life', () => {
    expect(startText(plan({ freeInMs: 9_760 }), 'beginning', true, 200).at(-1)).toBe(
      'Somebody was at work just now: the group counts as left once nobody has given a sign of life for 9.8 s more.',
    )
  })
})

describe('what was done to the controls of a group', () => {
  const since = '2026-11-03T20:00:00.000Z'
  const later = '2026-11-03T20:00:01.000Z'
  const nothing: ControlsState = { paused: undefined, pausedTypes: [], limitPerSecond: undefined }
  const paused: ControlsState = { ...nothing, paused: { by: 'operator', since, reason: 'bank down' } }
  const typed: ControlsState = { ...nothing, pausedTypes: [{ eventType: 'a', since, reason: undefined }] }
  const limited: ControlsState = { ...nothing, limitPerSecond: 50 }

  test.each<[string, Changed, before: ControlsState, state: ControlsState, told: string[]]>([
    [
      'a pause',
      ...([{ what: 'pause' }, nothing, paused] as const),
      ['billing is paused: bank down. Running handlers finish; within a second none is started.'],
    ],
    [
      'a second pause',
      ...([{ what: 'pause' }, paused, paused] as const),
      ['billing is paused already, since 2026-11-03 20:00:00Z: bank down.'],
    ],
    [
      'a second pause, for another reason',
      ...([{ what: 'pause' }, paused, { ...nothing, paused: { by: 'operator', since, reason: 'a deploy' } }] as const),
      ['billing is paused already, since 2026-11-03 20:00:00Z. Its reason is now: a deploy.'],
    ],
    [
      'a second pause of a type',
      ...([{ what: 'pause', eventType: 'a' }, typed, typed] as const),
      ['a in billing is paused already, since 2026-11-03 20:00:00Z.'],
    ],
    [
      'a pause beside an open circuit',
      ...([
        { what: 'pause' },
        { ...nothing, paused: { by: 'circuit', since: later, reason: 'fails' } },
        paused,
      ] as const),
      ['billing is paused: bank down. Running handlers finish; within a second none is started.'],
    ],
    [
      'a pause of a type, in a group that has a limit',
      ...([{ what: 'pause', eventType: 'a' }, limited, { ...typed, limitPerSecond: 50 }] as const),
      [
        'a in billing is paused. Running handlers finish; within a second none is started.',
        'billing starts at most 50 handlers a second.',
      ],
    ],
    [
      'the end of a pause, while a type is paused',
      ...([{ what: 'resume' }, { ...typed, paused: paused.paused }, typed] as const),
      ['billing goes on: consumers see it within a second.', 'a in billing is paused since 2026-11-03 20:00:00Z.'],
    ],
    [
      'the end of no pause',
      ...([{ what: 'resume' }, nothing, nothing] as const),
      ['billing was not paused: nothing was changed.'],
    ],
    [
      'the end of the pause of a type, while the group is paused',
      ...([{ what: 'resume', eventType: 'a' }, { ...typed, paused: paused.paused }, paused] as const),
      [
        'a in billing goes on: consumers see it within a second.',
        'billing is paused by an operator since 2026-11-03 20:00:00Z: bank down.',
      ],
    ],
    ['a limit', ...([{ what: 'limit' }, nothing, limited] as const), ['billing starts at most 50 handlers a second.']],
    ['no limit', ...([{ what: 'limit' }, limited, nothing] as const), ['billing has no limit.']],
  ])('%s', (_, changed, before, state, told) => {
    expect(controlsText('billing', changed, { before, state }, 200)).toEqual(told)
  })
})

test.each<[known: string[], told: string]>([
  [[], 'no type is'],
  [['a.b', 'c.d'], 'known are a.b, c.d'],
  [Array.from({ length: 12 }, (_, n) => `t${n}`), 'known are t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 and 2 more'],
])('an event type that nobody knows: of %j', (known, told) => {
  expect(unknownTypeText('a.c', known)).toBe(`No event of type a.c is known; ${told}.`)
})
