import { z } from 'zod'
import { NoSuchGroupError } from '../base/errors.ts'
import { ControlsBroker } from '../broker/controls.ts'
import { Keys } from '../broker/keys.ts'
import { type ControlsState, inForceOf, limitSchema, pauseSchema, resumeSchema, stateOf } from '../define/controls.ts'
import { groupSchema } from '../define/names.ts'
import { parseOptions } from '../define/parse-options.ts'
import type { RedisOptions } from '../define/redis-options.ts'
import type { StreamDefinition } from '../define/stream.ts'
import { connect } from './connect.ts'

/** Controls a consumer group from outside. Its consumers see each change within a second. */
export interface GroupControls {
  state(): Promise<ControlsState>
  /**
   * The event types that can be known without a catalog, in alphabetical order: those of the newest 1,000 entries of the
   * stream (of fewer, where they are large), and those that are paused in the group. `pause` takes any type, a mistyped one,
   * too: ask before you pause one that is neither here nor in your catalog.
   */
  knownTypes(): Promise<string[]>
  /**
   * Pauses the group, or one event type of it. Running handlers finish; no handler is started any more. What waits is
   * charged no delivery. A pause outlasts restarts of Redis and of consumers. Idempotent: what is paused already stays
   * paused since then, and for the same reason unless another one is given.
   * @param options.eventType 1 to 200 characters. Entries of this type are set aside until it is resumed. Default: the
   * whole group.
   * @param options.reason At most 500 characters; it is logged. Default, also where it is
   * empty: that of a pause that is in force, else none.
   * @throws {NoSuchGroupError} when the stream has no such group.
   * @throws {InvalidOptionError} naming option, range and value.
   */
  pause(options?: { eventType?: string; reason?: string }): Promise<void>
  /**
   * Ends the pause of the group, and closes its circuit; or ends the pause of one event type. Idempotent.
   * @throws {InvalidOptionError} naming option, range and value.
   */
  resume(options?: { eventType?: string }): Promise<void>
  /**
   * Limits how many handlers all consumers of the group together start in any second. A batch of n events counts as n
   * starts.
   * @param perSecond A whole number up to 10,000; or less than 1, at least 0.001: 0.5 is one start in two seconds.
   * Undefined: no limit.
   * @throws {NoSuchGroupError} when the stream has no such group.
   * @throws {InvalidOptionError} naming option, range and value.
   */
  limit(perSecond: number | undefined): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the controls of one group. Nothing of the stream's catalog is needed.
 * @throws {InvalidOptionError} naming option, range and value.
 */
export function openControls(
  stream: Pick<StreamDefinition, 'name'>,
  options: { redis: RedisOptions; group: string },
): GroupControls {
  const { group } = parseOptions('openControls', z.object({ group: groupSchema }), options)
  const { connection, ready, close } = connect({ redis: options.redis }, 'controls')
  const broker = new ControlsBroker(connection, new Keys(stream.name), group)

  async function inGroup(set: () => Promise<boolean>): Promise<void> {
    await ready()
    if (!(await set())) throw new NoSuchGroupError(stream.name, group)
  }

  return {
    async state() {
      await ready()
      return stateOf(inForceOf(await broker.read()))
    },
    async knownTypes() {
      await ready()
      const [recent, controls] = await Promise.all([broker.recentTypes(), broker.read()])
      return [...new Set([...recent, ...inForceOf(controls).types.keys()])].sort()
    },
    async pause(given = {}) {
      const { eventType, reason } = parseOptions('pause', pauseSchema, given)
      // An empty reason is none: it comes from a variable that is not set.
      await inGroup(() => broker.pause(eventType, reason || undefined))
    },
    async resume(given = {}) {
      const { eventType } = parseOptions('resume', resumeSchema, given)
      await ready()
      await broker.resume(eventType)
    },
    async limit(given) {
      const { perSecond } = parseOptions('limit', z.object({ perSecond: limitSchema.optional() }), { perSecond: given })
      await inGroup(() => broker.limit(perSecond))
    },
    close,
  }
}
