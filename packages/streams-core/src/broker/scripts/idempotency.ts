import { script } from '../script.ts'
import { holdsLua } from './fragments.ts'

/**
 * What scripts do to an idempotency record, if there is one, once they have checked that the entry is still its owner's:
 *
 * `setRunning(record, id, ttlMs)`: notes that the entry runs. Returns false if the record says something else.
 * `setDone(record, ttlMs)`.   `free(record, id)`: forgets that the entry runs.
 *
 * Of a run, a record says the entry id, and not which delivery it is: what an earlier delivery of the same entry has left
 * belongs to the present owner of the entry.
 */
export const recordLua = `
local function setRunning(record, id, ttlMs)
  local running = 'running ' .. id
  local value = redis.call('GET', record)
  if value and value ~= running then return false end
  redis.call('SET', record, running, 'PX', ttlMs)
  return true
end
local function setDone(record, ttlMs)
  if record then redis.call('SET', record, 'done', 'PX', ttlMs) end
end
local function free(record, id)
  if record and redis.call('GET', record) == 'running ' .. id then redis.call('DEL', record) end
end
`

/**
 * Takes the idempotency record of an event id for a delivery.
 *
 * Returns 'ours'; 'done': the event was handled before; 'elsewhere': another entry of the same event id has the record;
 * or 'lost': the lease was lost.
 */
export const TAKE_RECORD = script(
  { keys: ['stream', 'record'], args: ['group', 'entryId', 'owner', 'attempt', 'leaseMs'] },
  `
${holdsLua}
${recordLua}
if not holds(entryId, owner, attempt) then return 'lost' end
if redis.call('GET', record) == 'done' then return 'done' end
return setRunning(record, entryId, leaseMs) and 'ours' or 'elsewhere'
`,
)
