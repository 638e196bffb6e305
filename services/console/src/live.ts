import { judgeGroup } from '@redis-streams-processor/streams-core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { begin } from './answer.ts'
import type { Looker, Seen, Viewer } from './looker.ts'
import { parse, Refused } from './refused.ts'
import { liveQuery } from './requests.ts'

const MAX_VIEWERS = 100
/** A viewer who takes less than is sent is shown later looks only. */
const MAX_UNSENT_BYTES = 1_000_000

/**
 * `GET /api/live?group=…`: server-sent events, one for each look.
 * @param isAdmitted Asked again at each look: a session may end while somebody looks.
 */
export function serveLive(
  app: FastifyInstance,
  looker: Looker,
  isAdmitted: (request: FastifyRequest) => boolean,
): void {
  const texts = new LookTexts()

  app.get('/api/live', (request, reply) => {
    const { group } = parse(liveQuery, request.query)
    if (looker.viewers >= MAX_VIEWERS) throw new Refused(503, 'too many viewers')
    const send = begin(reply, 'text/event-stream', MAX_UNSENT_BYTES)
    const viewer: Viewer = {
      group,
      show: (seen) => {
        if (!isAdmitted(request)) {
          reply.raw.destroy()
          return
        }
        send(texts.of(seen, group))
        if (!seen.isSample || group === undefined) return
        const samples = looker.history.of(group)
        // A first sample is that of a new history: what was noted before is forgotten.
        send(samples.length === 1 ? eventOf('history', samples) : eventOf('sample', samples.at(-1)))
      },
      tell: (problem) => send(eventOf('problem', { problem })),
    }
    // What the browser waits for between two tries to connect again.
    send('retry: 1000\n\n')
    if (group !== undefined) send(eventOf('history', looker.history.of(group)))
    if (looker.problem !== undefined) viewer.tell(looker.problem)
    reply.raw.once('close', looker.add(viewer))
  })
}

const eventOf = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** What is sent of a look: made once for all who look into the same group. */
class LookTexts {
  #seen: Seen | undefined
  readonly #texts = new Map<string | undefined, string>()

  of(seen: Seen, wanted: string | undefined): string {
    if (seen !== this.#seen) this.#texts.clear()
    this.#seen = seen
    const into = seen.look.groups.find(({ group }) => group === wanted)
    const text = this.#texts.get(into?.group) ?? eventOf('look', shownOf(seen, into))
    this.#texts.set(into?.group, text)
    return text
  }
}

/** Each group in short; of the group that is looked into, what its consumers hold, once somebody has looked into it. */
function shownOf({ look, figures }: Seen, found: Seen['look']['groups'][number] | undefined) {
  const { groups, nowMs, stream, length, server } = look
  const short = groups.map(({ holders, takeovers, newestLetters, lastDeliveredId, ...group }) => ({
    ...group,
    ...figures.get(group.group),
    ...judgeGroup(group),
  }))
  const into = found?.holders && { group: found.group, holders: found.holders, takeovers: found.takeovers ?? [] }
  return { nowMs, stream, length, server, groups: short, into }
}
