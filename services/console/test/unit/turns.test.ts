import { expect, test } from 'vitest'
import { Turns } from '../../src/turns.ts'

const { signal } = new AbortController()

/** Work that ends when it is told to, and what has begun of it. */
function workplace(turns: Turns) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const take = (name: string, given = signal) =>
    turns.take(given, () => {
      begun.push(name)
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
    })
  return { begun, take, end: (name: string) => ends.get(name)?.() }
}

test('so many work at once; the others wait, in order', async () => {
  const { begun, take, end } = workplace(new Turns({ atOnce: 2, mayWait: 10 }))
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => take(name))
  expect(begun).toEqual(['a', 'b'])
  end('b')
  await b
  expect(begun).toEqual(['a', 'b', 'c'])
  end('a')
  end('c')
  expect(await Promise.all([a, c])).toEqual(['a', 'c'])
  end('d')
  expect(await d).toBe('d')
  // All turns are free again.
  take('e')
  take('f')
  expect(begun.slice(-2)).toEqual(['e', 'f'])
})

test('who leaves while they wait is passed over, and a failure frees its turn', async () => {
  const turns = new Turns({ atOnce: 1, mayWait: 10 })
  const { begun, take } = workplace(turns)
  const leaving = new AbortController()
  let fail = (_: Error) => {}
  const failing = turns.take(signal, () => new Promise((_, reject) => (fail = reject)))
  const left = take('left', leaving.signal)
  take('next')
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  fail(new Error('failed'))
  await expect(failing).rejects.toThrow('failed')
  expect(begun).toEqual(['next'])
  await expect(take('late', leaving.signal)).rejects.toThrow('gone')
})

test('when too many wait, the next one is refused', async () => {
  const { take } = workplace(new Turns({ atOnce: 1, mayWait: 1 }))
  take('works')
  take('waits')
  await expect(take('is refused')).rejects.toMatchObject({ statusCode: 503 })
})
