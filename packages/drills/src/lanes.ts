/** Does so many of the works at the same time, begun in their order. @yields The results, as they come. */
export async function* inLanes<T>(lanes: number, works: readonly (() => Promise<T>)[]): AsyncGenerator<T> {
  const running = new Map<number, Promise<{ n: number; result: T }>>()
  const rest = works.entries()
  const startNext = () => {
    const next = rest.next()
    if (next.done) return
    const [n, work] = next.value
    const working = work().then((result) => ({ n, result }))
    running.set(n, working)
  }
  for (let lane = 0; lane < lanes; lane += 1) startNext()
  while (running.size > 0) {
    const { n, result } = await Promise.race(running.values())
    running.delete(n)
    startNext()
    yield result
  }
}
