import { createHandlers as createSampleHandlers } from '../../src/handlers.ts'

/** Handlers that block the event loop for ever. */
export function createHandlers(workMs: number): ReturnType<typeof createSampleHandlers> {
  const block = () => {
    for (;;);
  }
  const handlers = createSampleHandlers(workMs)
  const types = Object.keys(handlers)
  return Object.fromEntries(types.map((type) => [type, block])) as unknown as typeof handlers
}
