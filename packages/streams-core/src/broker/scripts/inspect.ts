import { script } from '../connection.ts'
import { compareIdsLua } from './fragments.ts'

/**
 * The oldest entry of a group that somebody should be working on: pending, but not parked for a retry, or not
 * delivered yet.
 *
 * KEYS[1] stream
 * ARGV[1] group   ARGV[2] pseudo-consumer of retries
 * Returns its id, or false.
 */
export const OLDEST_UNHANDLED = script(`
${compareIdsLua}
local stream, group, oldest = KEYS[1], ARGV[1], false
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  if info[2] == group then
    local next = redis.call('XRANGE', stream, '(' .. info[8], '+', 'COUNT', 1)[1]
    oldest = next and next[1]
  end
end
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  if info[4] > 0 and info[2] ~= ARGV[2] then
    local id = redis.call('XPENDING', stream, group, '-', '+', 1, info[2])[1][1]
    if not oldest or compareIds(id, oldest) < 0 then oldest = id end
  end
end
return oldest
`)

/**
 * Counts the entries behind an id, as many as one call may hold Redis up for.
 *
 * KEYS[1] stream
 * ARGV[1] id   ARGV[2] how many at most
 * Returns { their number, the id of the last one, or false when there are none }.
 */
export const COUNT_AFTER = script(`
local entries = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
local last = entries[#entries]
return { #entries, last and last[1] }
`)
