import { expect, test } from 'vitest'
import { inLanes } from '../../src/lanes.ts'

test('so many at a time, begun in their order; results as they come', async () => {
  const begun: number[] = []
  const ends: (() => void)[] = []
  const works = [0, 1, 2, 3].map((n) => () => {
    begun.push(n)
    return new Promise<number>((resolve) => {
      ends[n] = () => resolve(n)
    })
  })
  const results = inLanes(2, works)
  const first = results.next()
  expect(begun).toEqual([0, 1])
  ends[1]?.()
  expect((await first).value).toBe(1)
  expect(begun).toEqual([0, 1, 2])
  ends[2]?.()
  expect((await results.next()).value).toBe(2)
  expect(begun).toEqual([0, 1, 2, 3])
  ends[3]?.()
  ends[0]?.()
  const rest: number[] = []
  for await (const result of results) rest.push(result)
  expect(rest.sort()).toEqual([0, 3])
})
