import { script } from '../script.ts'
import { trimLua } from './trim.ts'

/**
 * Appends a batch: deduplication, cap and XADD in one step, event by event.
 *
 * `policy`: `acknowledged` or `maxlen`.   `maxLength`: 0 for none.   `groupFormat`: what the keys of a group begin with,
 * with %s for the group.   `requiredGroups`: how many groups must exist before anything is trimmed.
 * More keys: the dedupe key of each event, if event ids are remembered.
 * More arguments: the names of the required groups; then for each event the number of its fields and values, and these.
 * Returns for each event a status and a value, flat:
 *   `appended` entry id, `duplicate` entry id of the first, `full` length, `error` text
 */
export const PUBLISH = script(
  {
    keys: ['stream', 'dropped', 'marks'],
    args: ['policy', 'maxLength', 'keepAtLeast', 'dedupeMs', 'groupFormat', 'requiredGroups'],
  },
  `
${trimLua}
maxLength = tonumber(maxLength)
local firstEvent = MORE_ARGS + tonumber(requiredGroups)
local length = redis.call('XLEN', stream)
local hasMadeRoom = false

local function isFull()
  if policy ~= 'acknowledged' or maxLength == 0 or length < maxLength then return false end
  if not hasMadeRoom then
    hasMadeRoom = true
    makeRoom({ unpack(ARGV, MORE_ARGS, firstEvent - 1) }, tonumber(keepAtLeast))
    length = redis.call('XLEN', stream)
  end
  return length >= maxLength
end

local replies, at, dedupeAt = {}, firstEvent, MORE_KEYS
while at <= #ARGV do
  local size, dedupeKey = tonumber(ARGV[at]), KEYS[dedupeAt]
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
    -- A master that has become a replica: an error of the whole script, so that the producer connects again.
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
  at, dedupeAt = at + size + 1, dedupeAt + 1
end
if policy == 'maxlen' then dropOldest(maxLength, dropped, groupFormat) end
return replies
`,
)
