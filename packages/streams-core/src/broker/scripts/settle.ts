import { HISTORY_FIELD, LETTER_FIELD } from '../letter-codec.ts'
import { script } from '../script.ts'
import { groupTimeLua, holdsLua, pseudoConsumersLua } from './fragments.ts'
import { recordLua } from './idempotency.ts'
import { countFailureLua } from './tally.ts'

// Every script here first checks that the delivery is still its owner's. A consumer that was frozen beyond its lease
// must settle nothing that another consumer runs.

/**
 * Acknowledges, deletes the histories, and sets the idempotency records to done.
 *
 * More keys: the idempotency record of each delivery, if they have one.
 * More arguments: entry id, owner, attempt of each delivery.   Returns the entry ids of those whose lease is lost.
 */
export const ACK = script(
  { keys: ['stream', 'history'], args: ['group', 'recordTtlMs'], allowOom: true },
  `
${holdsLua}
${recordLua}
local lost, recordAt = {}, MORE_KEYS
for i = MORE_ARGS, #ARGV, 3 do
  local id = ARGV[i]
  if holds(id, ARGV[i + 1], ARGV[i + 2]) then
    redis.call('XACK', stream, group, id)
    redis.call('HDEL', history, id)
    setDone(KEYS[recordAt], recordTtlMs)
  else
    lost[#lost + 1] = id
  end
  recordAt = recordAt + 1
end
return lost
`,
)

/**
 * Parks a delivery: puts it under another owner, and notes when it is due. Frees the idempotency record.
 *
 * One more key: the record, if there is one.   `countLeft`: delivery count to leave.
 * `failure`: line for the history, or empty.   Returns 1, or 0: the lease was lost.
 */
export const PARK = script(
  {
    keys: ['stream', 'history', 'due', 'clock', 'tally'],
    args: ['group', 'entryId', 'owner', 'attempt', 'putUnder', 'delayMs', 'countLeft', 'failure'],
    allowOom: true,
  },
  `
${holdsLua}
${recordLua}
${pseudoConsumersLua}
${groupTimeLua}
${countFailureLua}
if not holds(entryId, owner, attempt) then return 0 end
local parked = redis.call(
  'XCLAIM', stream, group, putUnder, 0, entryId, 'RETRYCOUNT', countLeft, 'JUSTID')[1]
if not parked then
  -- Somebody deleted the entry while it ran, so XCLAIM has removed it from the pending list. Its history goes, too.
  redis.call('HDEL', history, entryId)
else
  if putUnder == RETRY or delayMs ~= '0' then parkUntil(entryId, groupTime() + delayMs) end
  if failure ~= '' then
    local before = redis.call('HGET', history, entryId)
    redis.call('HSET', history, entryId, before and (before .. '\\n' .. failure) or failure)
  end
end
free(KEYS[MORE_KEYS], entryId)
if parked and failure ~= '' then countFailure() end
return 1
`,
)

/**
 * Moves an entry to the dead letters, byte for byte, after our own two fields.
 * Lua cannot pass more than about 8,000 values: of an entry with more than 3,500 fields, the first 3,500 are kept.
 *
 * One more key: the idempotency record, if there is one.
 * `failure`: line for the history.   Returns the id of the dead letter, or false: the lease was lost.
 */
export const DEAD_LETTER = script(
  {
    keys: ['stream', 'history', 'dead', 'tally'],
    args: ['group', 'entryId', 'owner', 'attempt', 'letter', 'failure'],
    allowOom: true,
  },
  `
${holdsLua}
${recordLua}
${countFailureLua}
if not holds(entryId, owner, attempt) then return false end
local before = redis.call('HGET', history, entryId)
local failures = before and (before .. '\\n' .. failure) or failure
local entry = redis.call('XRANGE', stream, entryId, entryId)[1]
local fields = entry and entry[2] or {}
local letterId = redis.call('XADD', dead, '*', '${LETTER_FIELD}', letter, '${HISTORY_FIELD}', failures,
  unpack(fields, 1, math.min(#fields, 7000)))
redis.call('XACK', stream, group, entryId)
redis.call('HDEL', history, entryId)
free(KEYS[MORE_KEYS], entryId)
countFailure()
return letterId
`,
)

/**
 * Runs a handler's writes and the acknowledgement of its deliveries as one step that happens once: if the lease of one
 * of them is lost, nothing is written. The writes come first, because Redis undoes nothing: while none has run, an error
 * leaves the events as they were.
 *
 * More keys: the idempotency record of each delivery, if they have one.
 * More arguments: entry id, owner, attempt of each delivery; then for each command its number of words, and these.
 * Returns { 'committed', reply… }, { 'lost', entry id… }, or { 'failed', number of commands applied, error }.
 */
export const COMMIT = script(
  { keys: ['stream', 'history'], args: ['group', 'deliveries', 'recordTtlMs'] },
  `
${holdsLua}
${recordLua}
local commandsAt = MORE_ARGS + 3 * deliveries
local lost = { 'lost' }
for i = MORE_ARGS, commandsAt - 1, 3 do
  if not holds(ARGV[i], ARGV[i + 1], ARGV[i + 2]) then lost[#lost + 1] = ARGV[i] end
end
if #lost > 1 then return lost end
local temporary = { OOM = true, READONLY = true, MISCONF = true, NOREPLICAS = true }
local replies, at = { 'committed' }, commandsAt
while at <= #ARGV do
  local size = tonumber(ARGV[at])
  local reply = redis.pcall(unpack(ARGV, at + 1, at + size))
  if type(reply) == 'table' and reply.err then
    -- What Redis cannot do now fails the whole script: nothing was applied, and the caller tries again.
    if #replies == 1 and temporary[string.match(reply.err, '^%u+')] then return reply end
    return { 'failed', #replies - 1, reply.err }
  end
  replies[#replies + 1] = reply
  at = at + size + 1
end
local recordAt = MORE_KEYS
for i = MORE_ARGS, commandsAt - 1, 3 do
  redis.call('XACK', stream, group, ARGV[i])
  redis.call('HDEL', history, ARGV[i])
  setDone(KEYS[recordAt], recordTtlMs)
  recordAt = recordAt + 1
end
return replies
`,
)
