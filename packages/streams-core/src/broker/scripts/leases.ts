import { script } from '../script.ts'
import { holdsLua, nowLua } from './fragments.ts'
import { recordLua } from './idempotency.ts'

/** Entries that one call of RESET_IDLE looks at. */
const PAGE = 200

/**
 * Extends leases that are still their owner's: XCLAIM by the owner resets the idle time, JUSTID leaves the delivery
 * count alone. The check comes first: a bare XCLAIM by a consumer whose lease is lost would take the entry from its
 * new owner.
 *
 * Notes as well what runs, for those who look for an event: entry id → attempt, since when, and when this was noted (ms).
 * Nothing is cleaned up: the key is gone after a lease without an extension, and readers check what they find. So a note
 * that fails stops nothing.
 *
 * `forgets`: 1 or 0, whether what was noted before is dropped.
 * More keys: the idempotency record of each delivery, if they have one.
 * More arguments: entry id, owner, attempt, and for how long its handler has run (ms), or empty, for each delivery.
 * Returns the entry ids of those whose lease is lost.
 */
export const EXTEND = script(
  { keys: ['stream', 'runs'], args: ['group', 'leaseMs', 'forgets'], allowOom: true },
  `
${holdsLua}
${recordLua}
${nowLua}
local lost, ran, recordAt = {}, {}, MORE_KEYS
for i = MORE_ARGS, #ARGV, 4 do
  local id = ARGV[i]
  local name = holds(id, ARGV[i + 1], ARGV[i + 2])
  local extended = name and redis.call('XCLAIM', stream, group, name, 0, id, 'JUSTID')[1]
  if not extended then
    lost[#lost + 1] = id
  else
    if ARGV[i + 3] ~= '' then ran[#ran + 1] = i end
    -- A record that ran out during an outage is still this delivery's, as the entry is.
    if KEYS[recordAt] then setRunning(KEYS[recordAt], id, leaseMs) end
  end
  recordAt = recordAt + 1
end
local at, notes = nowMs(), {}
for _, i in ipairs(ran) do
  notes[#notes + 1] = ARGV[i]
  notes[#notes + 1] = string.format('%s %.0f %.0f', ARGV[i + 2], at - ARGV[i + 3], at)
end
if forgets == '1' then redis.pcall('DEL', runs) end
if #notes > 0 then
  redis.pcall('HSET', runs, unpack(notes))
  redis.pcall('PEXPIRE', runs, leaseMs)
end
return lost
`,
)

/**
 * Retakes deliveries whose reply was lost: this consumer is their owner and does not know of them, so nobody extends
 * their leases. Their attempt stays as it is, because nothing has run yet.
 *
 * More arguments: entry id, owner, attempt of each.   Returns { id, owner, attempt, fields or false } of each that is
 * still this consumer's.
 */
export const RETAKE = script(
  { keys: ['stream'], args: ['group'], allowOom: true },
  `
${holdsLua}
local retaken = {}
for i = MORE_ARGS, #ARGV, 3 do
  local id, owner, attempt = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if holds(id, owner, attempt) then
    local entry = redis.call('XCLAIM', stream, group, owner, 0, id, 'RETRYCOUNT', attempt)[1]
    retaken[#retaken + 1] = { id, owner, attempt, entry and entry[2] or false }
  end
end
return retaken
`,
)

/**
 * After the clock of Redis was set back, what was delivered before seems to have been delivered in the future, and its
 * lease would last until then. Sets the idle time of such entries anew, one page of the list of one name.
 *
 * Returns where the next page starts, or false at the end.
 */
export const RESET_IDLE = script(
  { keys: ['stream'], args: ['group', 'name', 'start'], allowOom: true },
  `
local page = redis.call('XPENDING', stream, group, start, '+', ${PAGE}, name)
for _, entry in ipairs(page) do
  -- An idle time below 0 is shown as 0.
  if entry[3] == 0 then redis.call('XCLAIM', stream, group, name, 0, entry[1], 'JUSTID') end
end
return #page == ${PAGE} and '(' .. page[#page][1]
`,
)
