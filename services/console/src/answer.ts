import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Problems } from './problems.ts'
import { Refused } from './refused.ts'

const TELL_EVERY_MS = 250

/** Aborted when who asked has left. */
export function leavingOf({ raw }: FastifyReply): AbortSignal {
  const leaving = new AbortController()
  const leave = () => leaving.abort(new Refused(499, 'who asked has left'))
  raw.once('close', leave)
  if (raw.destroyed) leave()
  return leaving.signal
}

/** Begins an answer that comes bit by bit. Returns what sends a bit, unless nobody reads any more, or who reads is slow. */
export function begin(reply: FastifyReply, type: string, maxUnsentBytes: number): (text: string) => void {
  const { raw } = reply
  reply.hijack()
  const headers = Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]))
  raw.writeHead(200, { ...headers, 'content-type': type, 'cache-control': 'no-store' })
  return (text) => {
    if (!raw.destroyed && raw.writableLength <= maxUnsentBytes) raw.write(text)
  }
}

/**
 * Answers with the result. Where that takes long and there is something to tell meanwhile, the answer is lines of JSON:
 * again and again `soFar`, and at last `result` or `problem`.
 */
export async function answer<R>(
  { request, reply, problems }: { request: FastifyRequest; reply: FastifyReply; problems: Problems },
  work: (tell: (soFar: R) => void) => Promise<R>,
): Promise<R | undefined> {
  let soFar: R | undefined
  let send: ((text: string) => void) | undefined
  const telling = setInterval(() => {
    if (soFar === undefined) return
    send ??= begin(reply, 'application/x-ndjson', 0)
    send(`${JSON.stringify({ soFar })}\n`)
    soFar = undefined
  }, TELL_EVERY_MS)
  const end = (line: object) => reply.raw.destroyed || reply.raw.end(`${JSON.stringify(line)}\n`)
  try {
    const result = await work((done) => {
      soFar = done
    })
    if (!send) return result
    end({ result })
  } catch (error) {
    if (!send) throw error
    end({ problem: problems.of(error, request) })
  } finally {
    clearInterval(telling)
  }
  return undefined
}
