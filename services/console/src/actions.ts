import {
  type DeadLetters,
  openControls,
  openDeadLetters,
  openFinder,
  openGroups,
  type RedisOptions,
} from '@redis-streams-processor/streams-core'
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { newestOf, pageOf, purge, redrive } from './letters.ts'
import type { Looker } from './looker.ts'
import { parse, Refused } from './refused.ts'
import {
  findQuery,
  groupParams,
  letterParams,
  lettersQuery,
  pauseBody,
  purgeBody,
  redriveBody,
  replayBody,
  resumeBody,
} from './requests.ts'

export interface ActionsOptions {
  stream: { name: string }
  redis: RedisOptions
  looker: Looker
  logger: { info(fields: object, message: string): void }
  isReadOnly: boolean
}

/**
 * What operators can ask and do. Everything that changes something has `dryRun`, which only says what would happen; and
 * each change is logged, with the address of who asked for it.
 */
export function serveActions(app: FastifyInstance, options: ActionsOptions): void {
  const { stream, redis, looker, logger, isReadOnly } = options

  const withLetters = <T>(group: string, use: (letters: DeadLetters) => Promise<T>) =>
    closing(openDeadLetters(stream, { redis, group }), use)

  /** `POST /api/groups/<group>/<name>`. */
  function serve<B extends z.ZodType<{ dryRun: boolean }>>(
    name: string,
    schema: B,
    act: (group: string, body: z.output<B>) => Promise<object>,
  ) {
    app.post(`/api/groups/:group/${name}`, async (request) => {
      if (isReadOnly) throw new Refused(403, 'this page is read-only')
      const { group } = parse(groupParams, request.params)
      const body = parse(schema, request.body)
      const result = await act(group, body)
      if (!body.dryRun)
        logger.info({ action: name, group, by: request.ip, asked: body, result }, 'done for an operator')
      return result
    })
  }

  app.get('/api/find', (request) => {
    const { id, payload } = parse(findQuery, request.query)
    // Who goes away gives the search up.
    const leaving = new AbortController()
    request.raw.once('close', () => leaving.abort())
    return closing(openFinder(stream, { redis }), async (finder) => {
      const { entries, letters } = await finder.find(id, { signal: leaving.signal })
      const shown = entries.map(({ fields, ...entry }) => (payload === 'yes' ? { ...entry, fields } : entry))
      return { entries: shown, letters: letters.length }
    })
  })
  app.get('/api/groups/:group/letters', (request) => {
    const { group } = parse(groupParams, request.params)
    const query = parse(lettersQuery, request.query)
    return withLetters(group, (letters) => pageOf(letters, query))
  })
  app.get('/api/groups/:group/letters/:letterId', async (request) => {
    const { group, letterId } = parse(letterParams, request.params)
    const letter = await withLetters(group, (letters) => letters.get(letterId))
    if (!letter) throw new Refused(404, 'this letter is gone')
    return letter
  })

  serve('redrive', redriveBody, (group, body) =>
    withLetters(group, async (letters) => ({
      to: body.to ?? (await newestOf(letters)),
      ...(await redrive(letters, body)),
    })),
  )
  serve('purge', purgeBody, (group, body) =>
    withLetters(group, async (letters) => ({
      to: body.to ?? (await newestOf(letters)),
      ...(await purge(letters, body)),
    })),
  )
  serve('pause', pauseBody, (group, { dryRun, eventType, reason }) =>
    closing(openControls(stream, { redis, group }), async (controls) => {
      if (!dryRun) await controls.pause({ ...(eventType && { eventType }), ...(reason && { reason }) })
      return stateOf(group)
    }),
  )
  serve('resume', resumeBody, (group, { dryRun, eventType }) =>
    closing(openControls(stream, { redis, group }), async (controls) => {
      if (!dryRun) await controls.resume(eventType === undefined ? {} : { eventType })
      return stateOf(group)
    }),
  )
  serve('replay', replayBody, (group, { dryRun, from }) => {
    const leaseMs = stateOf(group).leaseMs ?? 10_000
    return closing(openGroups(stream, { redis, leaseMs }), (groups) => groups.replay(group, { from, dryRun }))
  })

  /** What a change is about: what waits, and what runs. */
  function stateOf(name: string) {
    const found = looker.newest?.look.groups.find(({ group }) => group === name)
    if (!found) throw new Refused(404, `there is no group ${name}`)
    const { lag, isLagExact, pending, waitingForRetry, paused, pausedTypes, leaseMs } = found
    return { lag, isLagExact, pending, waitingForRetry, paused, pausedTypes, leaseMs }
  }
}

async function closing<O extends { close(): Promise<void> }, T>(opened: O, use: (opened: O) => Promise<T>): Promise<T> {
  return use(opened).finally(() => opened.close())
}
