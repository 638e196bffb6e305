import { script } from '../connection.ts'
import { holdsLua } from './fragments.ts'

// Every script here first checks that the delivery is still ours: (owner, delivery count) is the fencing token.
// A consumer that was frozen beyond its lease must not settle, and above all not claim back, what another runs.

/**
 * Extends leases: XCLAIM by the owner resets the idle clock, JUSTID leaves the delivery count alone.
 *
 * KEYS[1] stream   KEYS[2…] the guard of each delivery, if they are guarded
 * ARGV[1] group   ARGV[2] leaseMs   ARGV[3…] entry id, owner, attempt, value of the guard while ours, for each delivery
 * Returns the ids that are lost.
 */
export const EXTEND = script(
  `
${holdsLua}
local stream, group, lost, at = KEYS[1], ARGV[1], {}, 1
for i = 3, #ARGV, 4 do
  local id, owner = ARGV[i], ARGV[i + 1]
  at = at + 1
  local extended = holds(stream, group, id, owner, ARGV[i + 2])
    and redis.call('XCLAIM', stream, group, owner, 0, id, 'JUSTID')[1]
  if not extended then
    lost[#lost + 1] = id
  elseif KEYS[at] then
    -- A record that ran out during an outage is ours still, as the entry is.
    local value = redis.call('GET', KEYS[at])
    if not value or value == ARGV[i + 3] then redis.call('SET', KEYS[at], ARGV[i + 3], 'PX', ARGV[2]) end
  end
end
return lost
`,
  { allowOom: true },
)

/**
 * Acknowledges with a check, forgets the history, and marks the idempotency records as done.
 *
 * KEYS[1] stream   KEYS[2] history   KEYS[3…] the guard of each delivery, if it is guarded
 * ARGV[1] group   ARGV[2] ttlMs of a guard   ARGV[3…] entry id, owner, attempt for each delivery
 * Returns the ids that are lost.
 */
export const ACK = script(
  `
${holdsLua}
local stream, group, lost, at = KEYS[1], ARGV[1], {}, 2
for i = 3, #ARGV, 3 do
  local id = ARGV[i]
  at = at + 1
  if holds(stream, group, id, ARGV[i + 1], ARGV[i + 2]) then
    redis.call('XACK', stream, group, id)
    redis.call('HDEL', KEYS[2], id)
    if KEYS[at] then redis.call('SET', KEYS[at], 'done', 'PX', ARGV[2]) end
  else
    lost[#lost + 1] = id
  end
end
return lost
`,
  { allowOom: true },
)

/**
 * Parks a delivery under the pseudo-consumer of retries, idle by so much that it is due after its delay: the pending
 * list is the delay queue. Frees the guard.
 *
 * KEYS[1] stream   KEYS[2] history   KEYS[3] guard, if guarded
 * ARGV[1] group   ARGV[2] entry id   ARGV[3] owner   ARGV[4] attempt   ARGV[5] pseudo-consumer   ARGV[6] idle ms
 * ARGV[7] delivery count to leave   ARGV[8] line for the history, or empty   ARGV[9] value of the guard while ours
 * Returns 1, or 0 when the lease is lost.
 */
export const PARK = script(
  `
${holdsLua}
local stream, group, id = KEYS[1], ARGV[1], ARGV[2]
if not holds(stream, group, id, ARGV[3], ARGV[4]) then return 0 end
local parked = redis.call('XCLAIM', stream, group, ARGV[5], 0, id, 'IDLE', ARGV[6], 'RETRYCOUNT', ARGV[7], 'JUSTID')[1]
if not parked then
  -- Deleted while it ran: Redis has let go of it, and nobody will ask for its history.
  redis.call('HDEL', KEYS[2], id)
elseif ARGV[8] ~= '' then
  local before = redis.call('HGET', KEYS[2], id)
  redis.call('HSET', KEYS[2], id, before and (before .. '\\n' .. ARGV[8]) or ARGV[8])
end
if KEYS[3] and redis.call('GET', KEYS[3]) == ARGV[9] then redis.call('DEL', KEYS[3]) end
return 1
`,
  { allowOom: true },
)

/**
 * Moves an entry to the dead letters, byte for byte, behind two fields of ours: \`letter\` and \`history\`.
 * Lua cannot pass more than about 8,000 values: an entry of more fields keeps its first 3,500.
 *
 * KEYS[1] stream   KEYS[2] history   KEYS[3] dead letters   KEYS[4] guard, if guarded
 * ARGV[1] group   ARGV[2] entry id   ARGV[3] owner   ARGV[4] attempt   ARGV[5] letter (JSON)   ARGV[6] history line
 * ARGV[7] value of the guard while ours
 * Returns the id of the dead letter, or false when the lease is lost.
 */
export const DEAD_LETTER = script(
  `
${holdsLua}
local stream, group, id = KEYS[1], ARGV[1], ARGV[2]
if not holds(stream, group, id, ARGV[3], ARGV[4]) then return false end
local before = redis.call('HGET', KEYS[2], id)
local history = before and (before .. '\\n' .. ARGV[6]) or ARGV[6]
local entry = redis.call('XRANGE', stream, id, id)[1]
local fields = entry and entry[2] or {}
local letterId = redis.call('XADD', KEYS[3], '*', 'letter', ARGV[5], 'history', history,
  unpack(fields, 1, math.min(#fields, 7000)))
redis.call('XACK', stream, group, id)
redis.call('HDEL', KEYS[2], id)
if KEYS[4] and redis.call('GET', KEYS[4]) == ARGV[7] then redis.call('DEL', KEYS[4]) end
return letterId
`,
  { allowOom: true },
)

/**
 * Runs a handler's writes and the acknowledgement as one step that happens once. The writes come first, because Redis
 * undoes nothing: while none has run, an error leaves the event as it was.
 *
 * KEYS[1] stream   KEYS[2] history   KEYS[3] guard, if guarded
 * ARGV[1] group   ARGV[2] entry id   ARGV[3] owner   ARGV[4] attempt   ARGV[5] ttlMs of the guard
 * ARGV[6…] for each command its number of words, and these
 * Returns { 'committed', reply… }, { 'lost' }, or { 'failed', number of commands applied, error }.
 */
export const COMMIT = script(`
${holdsLua}
local stream, group, id = KEYS[1], ARGV[1], ARGV[2]
if not holds(stream, group, id, ARGV[3], ARGV[4]) then return { 'lost' } end
local passing = { OOM = true, READONLY = true, MISCONF = true, NOREPLICAS = true }
local replies, at = { 'committed' }, 6
while at <= #ARGV do
  local size = tonumber(ARGV[at])
  local reply = redis.pcall(unpack(ARGV, at + 1, at + size))
  if type(reply) == 'table' and reply.err then
    -- What Redis cannot do now is an error of the call: nothing was applied, and the caller tries again.
    if #replies == 1 and passing[string.match(reply.err, '^%u+')] then return reply end
    return { 'failed', #replies - 1, reply.err }
  end
  replies[#replies + 1] = reply
  at = at + size + 1
end
redis.call('XACK', stream, group, id)
redis.call('HDEL', KEYS[2], id)
if KEYS[3] then redis.call('SET', KEYS[3], 'done', 'PX', ARGV[5]) end
return replies
`)

/**
 * Takes the idempotency record of an event id. The record of an earlier delivery of the same entry is free: whoever has
 * the lease of the entry is the only one who may run it.
 *
 * KEYS[1] guard
 * ARGV[1] value while ours   ARGV[2] leaseMs   ARGV[3] entry id
 * Returns 'ours', 'done' or 'elsewhere'.
 */
export const GUARD = script(`
local value = redis.call('GET', KEYS[1])
if value == 'done' then return 'done' end
if value and string.match(value, '^running %S+ (%S+)') ~= ARGV[3] then return 'elsewhere' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'ours'
`)
