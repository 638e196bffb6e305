import { script } from '../connection.ts'
import { compareIdsLua, neededLua } from './fragments.ts'

/**
 * Keeps the stream short without dropping what somebody needs, and tidies up.
 *
 * KEYS[1] stream   KEYS[2] lock   KEYS[3] marks
 * ARGV[1] our name   ARGV[2] lockMs   ARGV[3] policy   ARGV[4] keepAtLeast   ARGV[5] idle ms after which a consumer
 * that holds nothing is deleted   ARGV[6] name that is never deleted   ARGV[7…] groups that must exist
 * Returns { entries trimmed, consumers deleted, newest id, { group, oldest needed id, pending, last delivered id }… },
 * or false: another did it just now, or there is no stream.
 */
export const JANITOR = script(
  `
${compareIdsLua}
${neededLua}
local stream = KEYS[1]
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return false end
if redis.call('EXISTS', stream) == 0 then return false end

local required = {}
for i = 7, #ARGV do required[#required + 1] = ARGV[i] end
local needed, groups, gone = neededFrom(stream, required, KEYS[3])

-- A look at the stream, as ids beyond 2^53 do not survive arithmetic.
local function before(id)
  local entry = redis.call('XREVRANGE', stream, '(' .. id, '-', 'COUNT', 1)[1]
  return entry and entry[1] or '0-0'
end

local deleted = 0
for _, group in ipairs(groups) do
  local name, mark, pending = group[1], group[2], group[3]
  local done = pending > 0 and before(mark) or mark
  redis.call('HSET', KEYS[3], name, done .. ' ' .. string.format('%.0f', nowMs()))
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, name)) do
    -- DELCONSUMER destroys what is pending, so check and delete are one step.
    if info[4] == 0 and info[6] > tonumber(ARGV[5]) and info[2] ~= ARGV[6] then
      redis.call('XGROUP', 'DELCONSUMER', stream, name, info[2])
      deleted = deleted + 1
    end
  end
end

local trimmed = 0
local excess = redis.call('XLEN', stream) - tonumber(ARGV[4])
if ARGV[3] == 'acknowledged' and needed and excess > 0 then
  trimmed = redis.call('XTRIM', stream, 'MINID', '~', needed, 'LIMIT', math.min(excess, 100000))
end
for _, group in ipairs(gone) do groups[#groups + 1] = group end
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
return { trimmed, deleted, newest and newest[1] or '0-0', unpack(groups) }
`,
  { allowOom: true },
)

/**
 * Deletes a consumer that leaves, unless something is pending under its name.
 *
 * KEYS[1] stream
 * ARGV[1] group   ARGV[2…] names
 * Returns the number deleted.
 */
export const FORGET_CONSUMER = script(`
local deleted = 0
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  for i = 2, #ARGV do
    if info[2] == ARGV[i] and info[4] == 0 then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], info[2])
      deleted = deleted + 1
    end
  end
end
return deleted
`)
