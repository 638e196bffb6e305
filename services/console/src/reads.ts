import { type EventState, type FoundEntry, whyOf } from '@redis-streams-processor/streams-core'
import type { FastifyInstance } from 'fastify'
import { leavingOf } from './answer.ts'
import type { Connections } from './connections.ts'
import { inShort, pageOf } from './letters.ts'
import type { Looker } from './looker.ts'
import { parse, Refused } from './refused.ts'
import { entryParams, findQuery, groupParams, letterParams, lettersQuery } from './requests.ts'
import type { Turns } from './turns.ts'

export interface ReadsOptions {
  connections: Connections
  looker: Looker
  /** For what may take long. */
  turns: Turns
}

/** What operators can ask. Whoever goes away gives it up. */
export function serveReads(app: FastifyInstance, { connections, looker, turns }: ReadsOptions): void {
  app.get('/api/find', (request, reply) => {
    const { id, again } = parse(findQuery, request.query)
    const signal = leavingOf(reply)
    const find = (signal: AbortSignal) => connections.finders.use('', (finder) => finder.find(id, { signal }))
    const found = again === 'yes' ? looker.followUps.of(id, signal, find) : turns.take(signal, () => find(signal))
    return found.then(({ entries, letters, ...more }) => ({
      ...more,
      entries: entries.map(shownOf),
      letters: letters.map(inShort),
    }))
  })
  app.get('/api/entries/:entryId', async (request) => {
    const { entryId } = parse(entryParams, request.params)
    const fields = await connections.finders.use('', (finder) => finder.fieldsOf(entryId))
    if (!fields) throw new Refused(404, 'the stream does not hold this entry any more')
    return { fields }
  })
  app.get('/api/groups/:group/letters', (request, reply) => {
    const { group } = parse(groupParams, request.params)
    const search = parse(lettersQuery, request.query)
    const signal = leavingOf(reply)
    // What every page shows is in the looks; what one of them searches is not.
    if (Object.keys(search).length === 0) return looker.lettersOf(group, signal)
    return turns.take(signal, () => connections.letters.use(group, (letters) => pageOf(letters, search)))
  })
  app.get('/api/groups/:group/letters/:letterId', async (request) => {
    const { group, letterId } = parse(letterParams, request.params)
    const letter = await connections.letters.use(group, (letters) => letters.get(letterId))
    if (!letter) throw new Refused(404, 'this letter is gone')
    return letter
  })
}

/** The payload of an event is in the fields of its entry, and in those of its letters: a browser asks for one of these. */
function shownOf({ fields, groups, ...entry }: FoundEntry) {
  const states = groups.map(({ group, state, hindrances }) => ({
    ...{ group, state: withoutPayload(state) },
    hindrances: hindrances.map(whyOf),
  }))
  return { ...entry, groups: states }
}

function withoutPayload(state: EventState) {
  return 'letter' in state && state.letter ? { ...state, letter: inShort(state.letter) } : state
}
