import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Looker, Seen, Viewer } from './looker.ts'

const MAX_VIEWERS = 100
/** A viewer who takes less than is sent is shown later looks only. */
const MAX_UNSENT_BYTES = 1_000_000

/** `GET /api/live?group=…`: server-sent events, one for each look. */
export function serveLive(app: FastifyInstance, looker: Looker): void {
  app.get<{ Querystring: { group?: string } }>('/api/live', (request, reply) => {
    if (looker.viewers >= MAX_VIEWERS) {
      reply.code(503).send({ error: 'too many viewers' })
      return
    }
    const { group } = request.query
    reply.hijack()
    const send = open(reply)
    const viewer: Viewer = {
      group,
      show: (seen) => {
        send('look', lookFor(group, seen))
        const sample = seen.isSample && group !== undefined && looker.history.of(group).at(-1)
        if (sample) send('sample', sample)
      },
      tell: (problem) => send('problem', { problem }),
    }
    if (group !== undefined) send('history', looker.history.of(group))
    if (looker.problem !== undefined) viewer.tell(looker.problem)
    const remove = looker.add(viewer)
    reply.raw.once('close', remove)
  })
}

function open(reply: FastifyReply): (event: string, data: unknown) => void {
  const { raw } = reply
  const headers = Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]))
  raw.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  // What the browser waits for between two tries to connect again.
  raw.write('retry: 1000\n\n')
  return (event, data) => {
    if (raw.destroyed || raw.writableLength > MAX_UNSENT_BYTES) return
    raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
}

/** Each group in short; of the group that the viewer looks into, what its consumers hold. */
function lookFor(wanted: string | undefined, { look, figures }: Seen) {
  const { groups, nowMs, stream, length, server } = look
  const short = groups.map(({ holders, takeovers, lastDeliveredId, ...group }) => ({
    ...group,
    ...figures.get(group.group),
  }))
  const found = groups.find(({ group }) => group === wanted)
  const into = found && { group: found.group, holders: found.holders ?? [], takeovers: found.takeovers ?? [] }
  return { nowMs, stream, length, server, groups: short, into }
}
