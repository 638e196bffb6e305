import { expect, test } from 'vitest'
import { compareIds, isEntryId, timeOf } from '../../src/base/entry-id.ts'

test('ids are compared as numbers, not as text', () => {
  const ids = ['10-0', '9-5', '9-18446744073709551615', '9-10', '1795460830480-0']
  expect(ids.sort(compareIds)).toEqual(['9-5', '9-10', '9-18446744073709551615', '10-0', '1795460830480-0'])
  expect(compareIds('5-1', '5-1')).toBe(0)
})

test('an entry id tells when the entry was appended', () => {
  expect(timeOf('1795460830480-7')).toBe(1_795_460_830_480)
})

test('an entry id is two numbers of 64 bits', () => {
  for (const id of ['0-0', '1795460830480-7', '18446744073709551615-18446744073709551615']) {
    expect(isEntryId(id)).toBe(true)
  }
  const wrong = [
    '18446744073709551616-0',
    '5-18446744073709551616',
    '99999999999999999999-0',
    '5',
    '5-',
    '-5',
    '5-1-1',
    '+5-1',
    '5-1\n',
    '',
  ]
  for (const id of wrong) expect(isEntryId(id)).toBe(false)
})
