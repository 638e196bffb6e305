export interface Look {
  nowMs: number
  groups: {
    group: string
    consumers: number
    deadLetters: number
    lag: number
    pending: number
    waitingForRetry: number
  }[]
  into?: { holders: { pending: number; entries: unknown[] }[] }
}

/** What a viewer is sent. */
export async function* eventsOf(url: string, group: string): AsyncGenerator<{ name: string; data: unknown }> {
  const leaving = new AbortController()
  const response = await fetch(`${url}/api/live?group=${group}`, { signal: leaving.signal })
  let text = ''
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString()
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? []
        if (name && data) yield { name, data: JSON.parse(data) }
      }
    }
  } finally {
    leaving.abort()
  }
}

/** What a viewer is shown, look by look. */
export async function* looksOf(url: string, group: string): AsyncGenerator<Look> {
  for await (const { name, data } of eventsOf(url, group)) if (name === 'look') yield data as Look
}

/** Looks of one viewer, until it has seen so many. */
export async function look(url: string, group: string, count: number): Promise<Look[]> {
  const looks: Look[] = []
  for await (const one of looksOf(url, group)) if (looks.push(one) >= count) break
  return looks
}
