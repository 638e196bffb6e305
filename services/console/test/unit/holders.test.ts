import { expect, test } from 'vitest'

interface Row {
  key: string
  title: string
  state?: string
  says: string
  idleMs: number
}
interface Holders {
  countsOf(rows: Row[], group: { alive: number }): { state: string; number: number }[]
  isLongGone(row: Row, leaseMs: number): boolean
  rowsOf(holders: object[], leaseMs: number, group: { alive: number }): Row[]
}

// What browsers load has no types.
const { countsOf, isLongGone, rowsOf } = (await import(
  new URL('../../page/holders.js', import.meta.url).href
)) as Holders

const LEASE_MS = 10_000
const WATCHED = { alive: 1 }
const holder = (consumer: string, idleMs: number, pending = 0, state = 'idle') => ({
  ...{ name: consumer, consumer, role: 'own', state, pending, idleMs },
  entries: Array.from({ length: pending }, (_, n) => ({ entryId: `${n}-1`, idleMs, attempt: 1 })),
})

const listed = (rows: Row[], leaseMs: number) => rows.filter((row) => !isLongGone(row, leaseMs))

test('a consumer that holds nothing is shown as gone for a minute, or for three leases', () => {
  const rows = (leaseMs: number) =>
    rowsOf(
      [holder('alive', 100), holder('just-gone', 59_000, 0, 'gone'), holder('long-gone', 61_000, 0, 'gone')],
      leaseMs,
      WATCHED,
    )
  const shown = (leaseMs: number) => listed(rows(leaseMs), leaseMs).map(({ key }) => key)
  expect(shown(LEASE_MS)).toEqual(['alive', 'just-gone'])
  expect(shown(30_000)).toEqual(['alive', 'just-gone', 'long-gone'])
})

test('who is listed and not alive is counted by state; a state that nobody is in is not named', () => {
  const holders = [
    ...[holder('a', 100), holder('b', 6_000, 1, 'silent')],
    ...[holder('c', 11_000, 1, 'gone'), holder('d', 11_000, 0, 'gone')],
  ]
  expect(countsOf(rowsOf(holders, LEASE_MS, WATCHED), WATCHED)).toEqual([
    { state: 'alive', number: 1 },
    { state: 'silent', number: 1 },
    { state: 'gone', number: 2 },
  ])
  expect(countsOf([], { alive: 0 })).toEqual([{ state: 'alive', number: 0 }])
})

test('crash suspects have a row while there are some, which is in no state', () => {
  const suspects = (pending: number) => ({
    ...{ ...holder('', 100, pending), role: 'suspects', name: '~suspect', state: undefined },
  })
  expect(rowsOf([suspects(0)], LEASE_MS, WATCHED)).toEqual([])
  expect(rowsOf([suspects(2)], LEASE_MS, WATCHED)).toMatchObject([{ title: 'Crash suspects', pending: 2 }])
  expect(rowsOf([suspects(2)], LEASE_MS, WATCHED)[0]?.state).toBeUndefined()
})

test('a consumer that holds something is shown, however long it has been silent', () => {
  const rows = rowsOf([holder('dead', 3_600_000, 2, 'gone')], LEASE_MS, WATCHED)
  expect(listed(rows, LEASE_MS)).toEqual(rows)
})

test('what a consumer holds under any of its names is in its row, and an earlier process has one of its own', () => {
  const named = (role: string, name: string) => ({ ...holder('c', 100, 1), role, name })
  const rows = rowsOf([named('own', 'c'), named('alone', 'c~alone'), named('left', 'c~left')], LEASE_MS, WATCHED)
  expect(rows.map(({ title }) => title)).toEqual(['c', 'c (earlier process)'])
})

test('what follows for what a consumer holds is said once it gives no sign of life', () => {
  const says = (state: string, pending: number, group: object = WATCHED) =>
    rowsOf([holder('c', 12_000, pending, state)], 20_000, group as { alive: number })[0]?.says
  expect(says('working', 1)).toBe('')
  expect(says('silent', 1)).toBe('no sign of life: its lease is over in 8 s')
  expect(says('silent', 0)).toBe('no sign of life for 12 s')
  expect(says('gone', 1)).toBe('its lease is over: others take what it holds')
  expect(says('gone', 1, { alive: 0 })).toBe('its lease is over, and nobody is there to take what it holds')
  expect(says('gone', 1, { alive: 1, paused: {} })).toBe(
    'its lease is over: others take what it holds once the group goes on',
  )
})
