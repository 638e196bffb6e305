import { script } from '../script.ts'
import { compareIdsLua, infoLua, lockLua, nowLua } from './fragments.ts'

// What may be trimmed, and when: for the janitor, and for a publish that meets the cap.

/**
 * For this long the low-water mark of a gone group keeps entries: its consumers create the group again from the mark.
 */
const GONE_GROUP_HOLDS_MS = 300_000

/** Groups that one call of the janitor looks at, and entries that one call trims: no call holds Redis up for long. */
const GROUPS_AT_ONCE = 50
const TRIMMED_AT_ONCE = 1_000

/**
 * `goneGroups(exists)`: a gone group counts with its low-water mark for a while: a list of { group, mark }.
 */
const goneGroupsLua = `
${compareIdsLua}
${infoLua}
${nowLua}
local function goneGroups(exists)
  local gone, held, at = {}, redis.call('HGETALL', marks), nowMs()
  for i = 1, #held, 2 do
    local mark, seenMs = string.match(held[i + 1], '^(%S+) (%d+)$')
    if mark and not exists[held[i]] and at - seenMs < ${GONE_GROUP_HOLDS_MS} then gone[#gone + 1] = { held[i], mark } end
  end
  return gone
end
`

/**
 * `makeRoom(required, keepAtLeast)`: trims at once what every group has acknowledged, without waiting for the janitor:
 * everything before the oldest entry that some group has pending, or else the last one that it has read. Nothing while
 * there is no group, or a required one is missing.
 *
 * `dropOldest(maxLength, dropped, groupFormat)`: the lossy policy. It trims once the stream is 100 entries too long,
 * as MAXLEN ~ would, and counts exactly what each group loses by it. At most 1,000 entries a call, so a stream that is
 * far too long shrinks over several publishes.
 */
export const trimLua = `
${goneGroupsLua}
local function neededFrom(required)
  local missing, exists, needed = {}, {}, false
  for _, group in ipairs(required) do missing[group] = true end
  for _, info in ipairs(groupInfos(stream)) do
    missing[info.name], exists[info.name] = nil, true
    local oldest = info.pending > 0 and redis.call('XPENDING', stream, info.name)[2] or info['last-delivered-id']
    if not needed or compareIds(oldest, needed) < 0 then needed = oldest end
  end
  if next(missing) or not needed then return false end
  for _, group in ipairs(goneGroups(exists)) do
    if compareIds(group[2], needed) < 0 then needed = group[2] end
  end
  return needed
end

local function makeRoom(required, keepAtLeast)
  local length = redis.call('XLEN', stream)
  local needed = length > keepAtLeast and neededFrom(required)
  if not needed then return end
  if keepAtLeast > 0 then
    local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(length - keepAtLeast, 1000) + 1)
    local kept = oldest[#oldest][1]
    if compareIds(kept, needed) < 0 then needed = kept end
  end
  -- Whole nodes first, as an exact trim knows no limit; what it has left to do then is a part of one node.
  local trimmed = redis.call('XTRIM', stream, 'MINID', '~', needed, 'LIMIT', ${TRIMMED_AT_ONCE})
  if trimmed < ${TRIMMED_AT_ONCE} then redis.call('XTRIM', stream, 'MINID', '=', needed) end
end

local function countUnread(entries, count, deliveredId)
  local low, high = 0, count
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if compareIds(entries[middle][1], deliveredId) <= 0 then low = middle else high = middle - 1 end
  end
  return count - low
end
local function dropPending(group, keep, groupFormat)
  local dropped, groupKeys = 0, string.format(groupFormat, group)
  repeat
    local ids = {}
    for i, entry in ipairs(redis.call('XPENDING', stream, group, '-', '(' .. keep, 1000)) do ids[i] = entry[1] end
    if #ids > 0 then
      redis.call('XACK', stream, group, unpack(ids))
      redis.call('HDEL', groupKeys .. 'history', unpack(ids))
      redis.call('ZREM', groupKeys .. 'due', unpack(ids))
      dropped = dropped + #ids
    end
  until #ids < 1000
  return dropped
end
local function dropOldest(maxLength, dropped, groupFormat)
  local length = redis.call('XLEN', stream)
  if length < maxLength + 100 then return end
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(length - maxLength, 1000) + 1)
  local keep = oldest[#oldest][1]
  for _, info in ipairs(groupInfos(stream)) do
    local lost = countUnread(oldest, #oldest - 1, info['last-delivered-id'])
    if info.pending > 0 then lost = lost + dropPending(info.name, keep, groupFormat) end
    if lost > 0 then redis.call('HINCRBY', dropped, info.name, lost) end
  end
  redis.call('XTRIM', stream, 'MINID', '=', keep)
end
`

/**
 * The janitor's round, in pieces: stores the low-water marks of some groups, and deletes consumers that are gone; after
 * the last group, trims what all groups have acknowledged according to their marks. A group that is new and has no mark
 * yet keeps everything.
 *
 * `from`: the first group to look at, counted from 1; this lock is taken for the first.
 * `consumerIdleMs`: a consumer that holds nothing and was idle for longer is deleted.
 * More arguments: groups that must exist before anything is trimmed.
 * Returns { `from` of the next call or 0, entries trimmed, consumers deleted, newest id, { group, oldest needed id,
 * pending }… }, or false: another consumer did it just now, or there is no stream.
 */
export const TIDY = script(
  {
    keys: ['stream', 'lock', 'marks'],
    args: ['lockMs', 'from', 'policy', 'keepAtLeast', 'consumerIdleMs'],
    allowOom: true,
  },
  `
${goneGroupsLua}
${lockLua}
from = tonumber(from)
if from == 1 then
  if isLocked(lock, lockMs, nowMs()) then return false end
  redis.call('SET', lock, string.format('%.0f', nowMs() + lockMs), 'PX', lockMs)
end
if redis.call('EXISTS', stream) == 0 then return false end

local function minusOne(digits)
  local head, last, zeros = string.match(digits, '^(%d-)([1-9])(0*)$')
  return (string.gsub(head .. (last - 1) .. string.rep('9', #zeros), '^0+(%d)', '%1'))
end
-- As text, because ids beyond 2^53 do not survive arithmetic.
local function before(id)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  if seq ~= '0' then return ms .. '-' .. minusOne(seq) end
  return ms == '0' and id or minusOne(ms) .. '-18446744073709551615'
end

local infos, positions, deleted = groupInfos(stream), {}, 0
local last = math.min(#infos, from + ${GROUPS_AT_ONCE} - 1)
for i = from, last do
  local group, oldest, pending = infos[i].name, infos[i]['last-delivered-id'], infos[i].pending
  if pending > 0 then oldest = redis.call('XPENDING', stream, group)[2] end
  local mark = pending > 0 and before(oldest) or oldest
  redis.call('HSET', marks, group, mark .. ' ' .. string.format('%.0f', nowMs()))
  positions[#positions + 1] = { group, oldest, pending }
  for _, info in ipairs(consumerInfos(stream, group)) do
    -- DELCONSUMER destroys what is pending, so check and delete are one step.
    if info.pending == 0 and info.idle > tonumber(consumerIdleMs) then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, info.name)
      deleted = deleted + 1
    end
  end
end

local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local function reply(nextFrom, trimmed)
  return { nextFrom, trimmed, deleted, newest and newest[1] or '0-0', unpack(positions) }
end
if last < #infos then return reply(last + 1, 0) end

local exists, needed = {}, false
local function need(id)
  if not needed or compareIds(id, needed) < 0 then needed = id end
end
for _, info in ipairs(infos) do
  exists[info.name] = true
  need(string.match(redis.call('HGET', marks, info.name) or '0-0', '^%S+'))
  -- Somebody may have set the group back since its mark was stored.
  need(info['last-delivered-id'])
end
for _, group in ipairs(goneGroups(exists)) do
  if #infos > 0 then need(group[2]) end
  if from == 1 or last >= from then positions[#positions + 1] = { group[1], group[2], 0 } end
end
for i = MORE_ARGS, #ARGV do
  if not exists[ARGV[i]] then needed = false end
end

local excess, trimmed = redis.call('XLEN', stream) - tonumber(keepAtLeast), 0
if policy == 'acknowledged' and needed and excess > 0 then
  local most = math.min(excess, ${TRIMMED_AT_ONCE})
  trimmed = redis.call('XTRIM', stream, 'MINID', '~', needed, 'LIMIT', most)
  if trimmed >= ${TRIMMED_AT_ONCE} then return reply(#infos + 1, trimmed) end
end
return reply(0, trimmed)
`,
)
