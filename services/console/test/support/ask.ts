import { request } from 'node:http'

const JSON_TYPE = { 'content-type': 'application/json' }

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: unknown
}

/** Asks as no browser would let a page ask: with any header. */
export function ask(url: string, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
        // A stream of events has no end.
        if (response.headers['content-type'] === 'text/event-stream') response.destroy()
      })
      response.once('close', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    sent.once('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

export const posting = (body: object, headers: Record<string, string> = {}) => ({
  ...{ method: 'POST', headers: { ...JSON_TYPE, ...headers }, body },
})
