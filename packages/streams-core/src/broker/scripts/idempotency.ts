import { script } from '../script.ts'

/**
 * Takes the idempotency record of an event id for a delivery. A record left by an earlier delivery of the same entry
 * may be taken over: this consumer has the lease of that entry now.
 *
 * `running`: the value while this delivery runs.   Returns 'ours', 'done' or 'elsewhere'.
 */
export const TAKE_RECORD = script(
  { keys: ['record'], args: ['running', 'leaseMs', 'entryId'] },
  `
local value = redis.call('GET', record)
if value == 'done' then return 'done' end
if value and string.match(value, '^running %S+ (%S+)') ~= entryId then return 'elsewhere' end
redis.call('SET', record, running, 'PX', leaseMs)
return 'ours'
`,
)

/** `setDone(record, ttlMs)`, `free(record, running)`: what settling does to an idempotency record, if there is one. */
export const recordLua = `
local function setDone(record, ttlMs)
  if record then redis.call('SET', record, 'done', 'PX', ttlMs) end
end
local function free(record, running)
  if record and redis.call('GET', record) == running then redis.call('DEL', record) end
end
`
