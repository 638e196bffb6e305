import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { catalog, type UserEvents } from '@redis-streams-processor/events'
import { SettingsError } from '@redis-streams-processor/service-kit'
import { BatchHandler, type Handlers } from '@redis-streams-processor/streams-core'
import { createHandlers } from './handlers.ts'

/**
 * The handlers of the module at `path`, which exports `createHandlers(workMs)`; without a path, the sample handlers.
 * @throws {SettingsError} when there is no such module or export, or an event type has no handler.
 */
export async function loadHandlers(path: string | undefined, workMs: number): Promise<Handlers<UserEvents>> {
  if (path === undefined) return createHandlers(workMs)
  const module = await import(pathToFileURL(resolve(path)).href).catch((error: Error) => {
    throw new SettingsError(`HANDLERS: expected a module that can be loaded, got ${path}: ${error.message}`)
  })
  if (typeof module.createHandlers !== 'function') {
    throw new SettingsError(`HANDLERS: expected a module that exports createHandlers(workMs), got ${path}`)
  }
  const handlers = module.createHandlers(workMs)
  const isHandler = (given: unknown) => typeof given === 'function' || given instanceof BatchHandler
  const missing = Object.keys(catalog).find((type) => !isHandler(handlers?.[type]))
  if (missing) throw new SettingsError(`HANDLERS: expected a handler for ${missing}, got none from ${path}`)
  return handlers
}
