import { signStandard } from './sign.ts'

const ANSWER_MS = 10_000

/** What the answer to a webhook says. */
export interface SendAnswer {
  /** 0: no answer came within ten seconds. */
  status: number
  entryId?: string
  duplicate?: boolean
}

/** Sends a webhook once, signed by Standard Webhooks. Never rejects. */
export async function sendStandard(url: string, secret: string, id: string, body: string): Promise<SendAnswer> {
  const headers = signStandard(secret, id, body)
  try {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) })
    // Read to its end, or the connection cannot be used again.
    return { ...((await response.json()) as object), status: response.status }
  } catch {
    return { status: 0 }
  }
}
