// What the consumers of the drill `batches` run (setting HANDLERS).
export { createBatchHandlers as createHandlers } from './handlers.ts'
