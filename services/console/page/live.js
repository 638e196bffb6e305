import { useEffect, useState } from './html.js'

const HOUR_MS = 3_600_000
const RETRY_MS = 1_000

/** What the server shows of the stream, look by look; and into one group of it. */
export function useLive(group) {
  const [seen, setSeen] = useState({ look: undefined, samples: [], problem: undefined, isConnected: false })
  const [tries, setTries] = useState(0)
  useEffect(() => {
    let timer
    setSeen((before) => ({ ...before, samples: [] }))
    const source = new EventSource(`/api/live${group ? `?group=${encodeURIComponent(group)}` : ''}`)
    const on = (name, change) => {
      source.addEventListener(name, ({ data }) =>
        setSeen((before) => ({ ...before, ...change(JSON.parse(data), before) })),
      )
    }
    on('look', (look) => ({ look, problem: undefined, isConnected: true }))
    on('history', (samples) => ({ samples }))
    on('sample', (sample, { samples }) => ({ samples: withSample(samples, sample) }))
    on('problem', ({ problem }) => ({ problem, isConnected: true }))
    source.addEventListener('error', () => {
      setSeen((before) => ({ ...before, isConnected: false }))
      // A browser tries again by itself, unless the answer was a refusal: Redis is away, or the session is over.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(tryAgain, RETRY_MS)
    })
    const tryAgain = async () => {
      const { status } = await fetch('/api/session').catch(() => ({}))
      if (status === 401) location.reload()
      else setTries((before) => before + 1)
    }
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [group, tries])
  return seen
}

function withSample(samples, sample) {
  if (samples.at(-1)?.at === sample.at) return samples
  return [...samples, sample].filter(({ at }) => at > sample.at - HOUR_MS)
}
