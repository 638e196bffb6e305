import type { GroupControls } from '@redis-streams-processor/streams-core'
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { answer, leavingOf } from './answer.ts'
import type { Changes, Course } from './changes.ts'
import type { Connections } from './connections.ts'
import { purge, redrive } from './letters.ts'
import type { Looker, Seen } from './looker.ts'
import type { Problems } from './problems.ts'
import { parse, Refused } from './refused.ts'
import { groupParams, pauseBody, purgeBody, redriveBody, replayBody, resumeBody } from './requests.ts'
import type { Turns } from './turns.ts'

export interface ActionsOptions {
  connections: Connections
  looker: Looker
  changes: Changes
  /** For dry runs that may take long. */
  turns: Turns
  problems: Problems
  isReadOnly: boolean
}

interface Asked<B> {
  group: string
  body: B
  course: Course
}

/**
 * What operators can do. Each change has `dryRun`, which only says what would happen. Whoever goes away stops what they
 * have asked for.
 */
export function serveActions(app: FastifyInstance, options: ActionsOptions): void {
  const { connections, looker, changes, turns, problems, isReadOnly } = options

  /** `POST /api/groups/<group>/<action>`. */
  function serve<B extends z.ZodType<{ dryRun: boolean }>>(
    action: string,
    schema: B,
    act: (asked: Asked<z.output<B>>) => Promise<object>,
  ) {
    app.post(`/api/groups/:group/${action}`, (request, reply) => {
      if (isReadOnly) throw new Refused(403, 'this page is read-only')
      const { group } = parse(groupParams, request.params)
      const body = parse(schema, request.body)
      const change = { action, group, by: request.ip, asked: toLog(body) }
      return answer({ request, reply, problems }, (tell) => {
        const work = (course: Course) => act({ group, body, course })
        const course = { signal: leavingOf(reply), tell }
        return body.dryRun ? work(course) : changes.run(change, course, work)
      })
    })
  }

  /** A dry run counts, and has to wait for its turn; a change does not. */
  function inTurn<B extends { dryRun: boolean }>({ body, course }: Asked<B>, work: () => Promise<object>) {
    return body.dryRun ? turns.take(course.signal, work) : work()
  }

  serve('redrive', redriveBody, (asked) =>
    inTurn(asked, () => connections.letters.use(asked.group, (letters) => redrive(letters, asked.body, asked.course))),
  )
  serve('purge', purgeBody, (asked) => {
    const { group, body, course } = asked
    if (!body.dryRun && body.confirm !== group) throw new Refused(400, `to confirm, type ${group}`)
    return inTurn(asked, () => connections.letters.use(group, (letters) => purge(letters, body, course)))
  })
  serve('pause', pauseBody, async (asked) => {
    const { dryRun, eventType, reason } = asked.body
    const pause = { ...(eventType && { eventType }), ...(reason && { reason }) }
    const state = await control(asked, (controls) => controls.pause(pause))
    if (!dryRun) return state
    // Somebody who has mistyped a type is to be told.
    return { ...state, knownTypes: await connections.controls.use(asked.group, (controls) => controls.knownTypes()) }
  })
  serve('resume', resumeBody, (asked) => {
    const { eventType } = asked.body
    return control(asked, (controls) => controls.resume(eventType === undefined ? {} : { eventType }))
  })
  serve('replay', replayBody, async (asked) => {
    const { group, body, course } = asked
    await stateOf(group, course)
    return inTurn(asked, () => connections.groups.use('', (groups) => groups.replay(group, body)))
  })

  async function control(
    { group, body, course }: Asked<{ dryRun: boolean }>,
    change: (controls: GroupControls) => Promise<void>,
  ): Promise<object> {
    const before = await stateOf(group, course)
    if (body.dryRun) return before
    return connections.controls.use(group, async (controls) => {
      await change(controls)
      return controls.state()
    })
  }

  /** What a change is about: what waits, and what runs. Nothing is changed of a group that is not seen. */
  async function stateOf(name: string, { signal }: Course) {
    const findIn = (seen: Seen | undefined) => seen?.look.groups.find(({ group }) => group === name)
    const found = findIn(looker.newest) ?? findIn(await looker.next(signal))
    if (!found) throw new Refused(404, `there is no group ${name}`)
    const { lag, isLagExact, pending, waitingForRetry, paused, pausedTypes } = found
    return { lag, isLagExact, pending, waitingForRetry, paused, pausedTypes }
  }
}

/** What was asked, fit for the log: a text that is searched for may be part of a payload. */
function toLog(body: object) {
  const { text, confirm, ...asked }: { text?: string; confirm?: string } = body
  return { ...asked, ...(text !== undefined && { textLength: text.length }) }
}
