import { script } from '../connection.ts'
import { compareIdsLua, neededLua } from './fragments.ts'

/**
 * Appends a batch: deduplication, cap and XADD in one step, event by event.
 *
 * KEYS[1] stream   KEYS[2] dropped   KEYS[3] marks   KEYS[4…] the dedupe key of each event, if dedupeMs > 0
 * ARGV[1] policy: `acknowledged` or `maxlen`   ARGV[2] maxLength, 0 for none   ARGV[3] keepAtLeast
 * ARGV[4] dedupeMs   ARGV[5] key of a group's history, with %s for the group
 * ARGV[6] number of groups that must exist   ARGV[7…] their names
 * then for each event: the number of its fields and values, and these
 * Returns for each event a status and a value, flat:
 *   `appended` entry id, `duplicate` entry id of the first, `full` length, `error` text
 */
export const PUBLISH = script(`
${compareIdsLua}
${neededLua}
local stream, policy = KEYS[1], ARGV[1]
local maxLength, keepAtLeast, dedupeMs = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local required = {}
for i = 1, tonumber(ARGV[6]) do required[i] = ARGV[6 + i] end

local length = redis.call('XLEN', stream)
local trimmed = false

-- At the cap, what everybody has acknowledged makes room at once, without waiting for the janitor.
local function isFull()
  if policy ~= 'acknowledged' or maxLength == 0 or length < maxLength then return false end
  if not trimmed then
    trimmed = true
    local needed = neededFrom(stream, required, KEYS[3])
    if needed and keepAtLeast == 0 then
      redis.call('XTRIM', stream, 'MINID', '=', needed)
    elseif needed and length > keepAtLeast then
      local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(length - keepAtLeast, 1000) + 1)
      local kept = oldest[#oldest][1]
      redis.call('XTRIM', stream, 'MINID', '=', compareIds(kept, needed) < 0 and kept or needed)
    end
    length = redis.call('XLEN', stream)
  end
  return length >= maxLength
end

local replies, at, event = {}, 7 + #required, 0
while at <= #ARGV do
  local size = tonumber(ARGV[at])
  event = event + 1
  local dedupeKey = KEYS[3 + event]
  local status, value
  local first = dedupeKey and redis.call('GET', dedupeKey)
  if first then
    -- A write, though it changes nothing: a WAITAOF that follows then covers the first append as well.
    redis.call('PEXPIRE', dedupeKey, redis.call('PTTL', dedupeKey))
    status, value = 'duplicate', first
  elseif isFull() then
    status, value = 'full', tostring(length)
  else
    local id = redis.pcall('XADD', stream, '*', unpack(ARGV, at + 1, at + size))
    -- A master that has become a replica: an error of the call, so that another connection is looked for.
    if type(id) == 'table' and string.find(id.err, '^READONLY') then return id end
    if type(id) == 'table' then
      status, value = 'error', id.err
    else
      status, value = 'appended', id
      length = length + 1
      if dedupeKey then redis.call('SET', dedupeKey, id, 'PX', dedupeMs) end
    end
  end
  replies[#replies + 1] = status
  replies[#replies + 1] = value
  at = at + size + 1
end

-- The lossy policy trims in steps of 100, as MAXLEN ~ would, but knows exactly what each group loses by it. Never more
-- than 1,000 at a time: a stream that was far longer gets there batch by batch.
if policy == 'maxlen' and length >= maxLength + 100 then
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(length - maxLength, 1000) + 1)
  local keep = oldest[#oldest][1]
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group, delivered = info[2], info[8]
    local lost = 0
    for i = 1, #oldest - 1 do
      if compareIds(oldest[i][1], delivered) > 0 then lost = lost + 1 end
    end
    local pending = redis.call('XPENDING', stream, group, '-', '(' .. keep, length)
    local history = string.format(ARGV[5], group)
    for _, entry in ipairs(pending) do
      redis.call('XACK', stream, group, entry[1])
      redis.call('HDEL', history, entry[1])
    end
    if lost + #pending > 0 then redis.call('HINCRBY', KEYS[2], group, lost + #pending) end
  end
  redis.call('XTRIM', stream, 'MINID', '=', keep)
end
return replies
`)
