import { script } from '../script.ts'
import { compareIdsLua, infoLua, nowLua, pseudoConsumersLua } from './fragments.ts'

// What may be trimmed, and when: for the janitor, and for a publish that meets the cap.

/**
 * For this long the low-water mark of a gone group keeps entries: its consumers create the group again from the mark.
 */
const GONE_GROUP_HOLDS_MS = 300_000

/**
 * `neededFrom(required)`: the id from which entries must stay: over all groups, the oldest pending entry, else the last
 * one read; where groups differ, the smallest id. A gone group counts with its low-water mark for a while. False while
 * there is no group, or a required one is missing.
 *
 * Two lists follow, each of { group, oldest needed id, pending count }: the groups that exist, and the gone groups that
 * still count.
 */
const neededLua = `
${compareIdsLua}
${infoLua}
${nowLua}
local function neededFrom(required)
  if redis.call('EXISTS', stream) == 0 then return false, {}, {} end
  local missing, exists = {}, {}
  for _, group in ipairs(required) do missing[group] = true end
  local needed, groups, gone = false, {}, {}
  for _, info in ipairs(groupInfos(stream)) do
    local pending = redis.call('XPENDING', stream, info.name)
    local oldest = pending[1] > 0 and pending[2] or info['last-delivered-id']
    if not needed or compareIds(oldest, needed) < 0 then needed = oldest end
    missing[info.name], exists[info.name] = nil, true
    groups[#groups + 1] = { info.name, oldest, pending[1] }
  end
  if next(missing) then return false, groups, gone end
  local held, at = redis.call('HGETALL', marks), nowMs()
  for i = 1, #held, 2 do
    local mark, seenMs = string.match(held[i + 1], '^(%S+) (%d+)$')
    if mark and needed and not exists[held[i]] and at - seenMs < ${GONE_GROUP_HOLDS_MS} then
      if compareIds(mark, needed) < 0 then needed = mark end
      gone[#gone + 1] = { held[i], mark, 0 }
    end
  end
  return needed, groups, gone
end
`

/**
 * `makeRoom(required, keepAtLeast)`: trims at once what every group has acknowledged, without waiting for the janitor.
 *
 * `dropOldest(maxLength, dropped, historyFormat)`: the lossy policy. It trims once the stream is 100 entries too long,
 * as MAXLEN ~ would, and counts exactly what each group loses by it. At most 1,000 entries a call, so a stream that is
 * far too long shrinks over several publishes.
 */
export const trimLua = `
${neededLua}
local function makeRoom(required, keepAtLeast)
  local needed, length = neededFrom(required), redis.call('XLEN', stream)
  if not needed or length <= keepAtLeast then return end
  if keepAtLeast > 0 then
    local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(length - keepAtLeast, 1000) + 1)
    local kept = oldest[#oldest][1]
    if compareIds(kept, needed) < 0 then needed = kept end
  end
  redis.call('XTRIM', stream, 'MINID', '=', needed)
end

local function dropOldest(maxLength, dropped, historyFormat)
  local length = redis.call('XLEN', stream)
  if length < maxLength + 100 then return end
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(length - maxLength, 1000) + 1)
  local keep = oldest[#oldest][1]
  for _, info in ipairs(groupInfos(stream)) do
    local group, unread = info.name, 0
    for i = 1, #oldest - 1 do
      if compareIds(oldest[i][1], info['last-delivered-id']) > 0 then unread = unread + 1 end
    end
    local pending = redis.call('XPENDING', stream, group, '-', '(' .. keep, length)
    local history = string.format(historyFormat, group)
    for _, entry in ipairs(pending) do
      redis.call('XACK', stream, group, entry[1])
      redis.call('HDEL', history, entry[1])
    end
    if unread + #pending > 0 then redis.call('HINCRBY', dropped, group, unread + #pending) end
  end
  redis.call('XTRIM', stream, 'MINID', '=', keep)
end
`

/**
 * The janitor's round: stores each group's low-water mark, deletes consumers that are gone, and trims what every group
 * has acknowledged.
 *
 * `consumerIdleMs`: a consumer that holds nothing and was idle for longer is deleted.
 * More arguments: groups that must exist before anything is trimmed.
 * Returns { entries trimmed, consumers deleted, newest id, { group, oldest needed id, pending }… }, or false: another
 * consumer did it just now, or there is no stream.
 */
export const TIDY = script(
  {
    keys: ['stream', 'lock', 'marks'],
    args: ['consumer', 'lockMs', 'policy', 'keepAtLeast', 'consumerIdleMs'],
    allowOom: true,
  },
  `
${neededLua}
${pseudoConsumersLua}
if not redis.call('SET', lock, consumer, 'NX', 'PX', lockMs) then return false end
if redis.call('EXISTS', stream) == 0 then return false end
local needed, groups, gone = neededFrom({ unpack(ARGV, MORE_ARGS) })

-- Looked up in the stream, because ids beyond 2^53 do not survive arithmetic.
local function before(id)
  local entry = redis.call('XREVRANGE', stream, '(' .. id, '-', 'COUNT', 1)[1]
  return entry and entry[1] or '0-0'
end

local deleted = 0
for _, entry in ipairs(groups) do
  local group, oldest, pending = unpack(entry)
  local mark = pending > 0 and before(oldest) or oldest
  redis.call('HSET', marks, group, mark .. ' ' .. string.format('%.0f', nowMs()))
  for _, info in ipairs(consumerInfos(stream, group)) do
    -- DELCONSUMER destroys what is pending, so check and delete are one step.
    if info.pending == 0 and info.idle > tonumber(consumerIdleMs) and info.name ~= RETRY then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, info.name)
      deleted = deleted + 1
    end
  end
end

local trimmed = 0
local excess = redis.call('XLEN', stream) - tonumber(keepAtLeast)
if policy == 'acknowledged' and needed and excess > 0 then
  trimmed = redis.call('XTRIM', stream, 'MINID', '~', needed, 'LIMIT', math.min(excess, 100000))
end
for _, group in ipairs(gone) do groups[#groups + 1] = group end
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
return { trimmed, deleted, newest and newest[1] or '0-0', unpack(groups) }
`,
)
