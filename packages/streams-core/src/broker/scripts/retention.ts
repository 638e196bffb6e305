import { script } from '../script.ts'
import { lockLua } from './fragments.ts'
import { goneGroupsLua, trimNodesLua } from './trim.ts'

/** Groups that one call of the janitor looks at, so that no call holds Redis up for long. */
const GROUPS_AT_ONCE = 50

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
    args: ['lockMs', 'from', 'policy', 'keepAtLeast', 'keepForMs', 'consumerIdleMs'],
    allowOom: true,
  },
  `
${goneGroupsLua}
${trimNodesLua}
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
if needed and keepForMs ~= '0' then need(idAged(tonumber(keepForMs))) end
for i = MORE_ARGS, #ARGV do
  if not exists[ARGV[i]] then needed = false end
end

local excess, trimmed = redis.call('XLEN', stream) - tonumber(keepAtLeast), 0
if policy == 'acknowledged' and needed and excess > 0 then
  local hasMore
  hasMore, trimmed = trimNodes(needed, excess)
  if hasMore and trimmed < excess then return reply(#infos + 1, trimmed) end
end
return reply(0, trimmed)
`,
)
