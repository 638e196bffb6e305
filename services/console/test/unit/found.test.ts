import { expect, test } from 'vitest'

interface Found {
  isFinal(found: object): boolean
  sentenceOf(state: object): string
}

// What browsers load has no types.
const page = (await import(new URL('../../page/found.js', import.meta.url).href)) as Found
const { isFinal } = page
/** With the spaces at which no line may break as any other space. */
const sentenceOf = (state: object) => page.sentenceOf(state).replaceAll('\u00a0', ' ')

const found = (states: object[], letters: object[] = []) => ({
  entries: [{ groups: states.map((state) => ({ state })) }],
  letters,
})

test('nothing can happen to an event that every group has done with, and that has no dead letter', () => {
  const acknowledged = { type: 'acknowledged' }
  const open = ['undelivered', 'held', 'waiting-for-retry', 'crash-suspect', 'set-aside', 'dead'].map((type) => ({
    type,
  }))
  const done = [acknowledged, { type: 'redriven' }, { type: 'not-ours' }, { type: 'unknown', why: 'trimmed' }]
  expect(isFinal(found(done))).toBe(true)
  expect(isFinal({ entries: [], letters: [] })).toBe(true)
  for (const state of [...open, { type: 'unknown', why: 'not-appended' }])
    expect(isFinal(found([acknowledged, state]))).toBe(false)
  expect(isFinal(found([acknowledged], [{}]))).toBe(false)
})

test('of what is held is said by whom, since when, and whether the lease is over', () => {
  const held = {
    ...{ type: 'held', consumer: 'c', role: 'own', owner: 'c', attempt: 2 },
    ...{ leaseExtendedAt: '2026-01-02T03:04:05', isLeaseOver: false },
  }
  const runningSince = '2026-01-02T03:04:01'
  expect(sentenceOf(held)).toBe('Held by c, delivery 2; its lease was extended 2 Jan 2026, 03:04:05.')
  expect(sentenceOf({ ...held, runningSince })).toBe(
    'Held by c, delivery 2, which runs since 2 Jan 2026, 03:04:01; its lease was extended 2 Jan 2026, 03:04:05.',
  )
  expect(sentenceOf({ ...held, runningSince, isLeaseOver: true })).toBe(
    'Held by c, delivery 2, which began to run 2 Jan 2026, 03:04:01; its lease was extended 2 Jan 2026, 03:04:05, and is over.',
  )
  expect(sentenceOf({ ...held, role: 'left', isLeaseOver: true })).toBe(
    'Held by an earlier process of c, delivery 2: others may take it.',
  )
  const suspect = { type: 'crash-suspect', deliveries: 2 }
  expect(sentenceOf(suspect)).toBe('Its consumers died 2 times: it waits to run alone.')
  expect(sentenceOf({ ...suspect, consumer: 'c' })).toMatch(/alone\. c has taken it\.$/)
})

test('of what was redriven is said as what, and of a copy for whom', () => {
  expect(sentenceOf({ type: 'redriven', redrivenAs: '2-1' })).toBe('It died, and was redriven as entry 2-1.')
  expect(sentenceOf({ type: 'not-ours', redrivenFor: 'billing' })).toContain('it was redriven for billing only')
})
