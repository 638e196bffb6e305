import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { UserEvents } from '@redis-streams-processor/events'
import { SettingsError } from '@redis-streams-processor/service-kit'
import type { Handlers } from '@redis-streams-processor/streams-core'
import { createHandlers } from './handlers.ts'

/**
 * The handlers of the module at `path`, which exports `createHandlers(workMs)`; without a path, the sample handlers.
 * @throws {SettingsError} when there is no such module or export.
 */
export async function loadHandlers(path: string | undefined, workMs: number): Promise<Handlers<UserEvents>> {
  if (path === undefined) return createHandlers(workMs)
  const module = await import(pathToFileURL(resolve(path)).href).catch((error: Error) => {
    throw new SettingsError(`HANDLERS: expected the path of a module, got ${JSON.stringify(path)}: ${error.message}`)
  })
  if (typeof module.createHandlers !== 'function') {
    throw new SettingsError(`HANDLERS: expected a module that exports createHandlers(workMs), got ${path}`)
  }
  return module.createHandlers(workMs)
}
