// Asks the console. An answer that is no success throws an error with the words of the console.

async function answerOf(response) {
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  throw Object.assign(new Error(answer.error ?? `the console answered ${response.status}`), {
    status: response.status,
    answer,
  })
}

export async function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value)
  const search = given.length > 0 ? `?${new URLSearchParams(given)}` : ''
  return answerOf(await fetch(`/api/${path}${search}`))
}

export async function post(path, body) {
  const headers = { 'content-type': 'application/json' }
  return answerOf(await fetch(`/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }))
}

export const groupPath = (group, rest) => `groups/${encodeURIComponent(group)}/${rest}`
