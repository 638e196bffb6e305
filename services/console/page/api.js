// Asks the console. An answer that is no success throws an error with the words of the console.

/** @param signal Aborted: the console gives the search up. */
export async function get(path, query = {}, signal = undefined) {
  const given = Object.entries(query).filter(([, value]) => value)
  const search = given.length > 0 ? `?${new URLSearchParams(given)}` : ''
  return answerOf(await fetch(`/api/${path}${search}`, { signal }))
}

/** What was typed, without the spaces around it. */
export const trimmed = (texts) => Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.trim()]))

/**
 * Something to do, which is done when `send` is called. `signal`: aborted, the console stops it; what is done stays done.
 * `onProgress` is told what has been done so far, of work that takes long.
 */
export const post = (path, body) => ({
  async send({ signal, onProgress } = {}) {
    const headers = { 'content-type': 'application/json' }
    const request = { method: 'POST', headers, body: JSON.stringify(body), signal }
    return answerOf(await fetch(`/api/${path}`, request), onProgress)
  },
})

export const groupPath = (group, rest) => `groups/${encodeURIComponent(group)}/${rest}`

async function answerOf(response, onProgress) {
  if (response.headers.get('content-type') === 'application/x-ndjson') return lastOf(response, onProgress)
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  throw errorOf({ status: response.status, ...answer })
}

/** The result of work that takes long: its answer comes line by line. */
async function lastOf(response, onProgress) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw errorOf({ error: 'the console went away before it was done' })
    const lines = `${text}${value}`.split('\n')
    text = lines.pop()
    for (const { soFar, result, problem } of lines.map((line) => JSON.parse(line))) {
      if (soFar) onProgress?.(soFar)
      if (problem) throw errorOf(problem)
      if (result) return result
    }
  }
}

const errorOf = (answer) =>
  Object.assign(new Error(answer.error ?? `the console answered ${answer.status}`), { status: answer.status, answer })
