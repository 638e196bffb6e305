/** `compareIds(a, b)`: -1, 0 or 1. Numbers of up to 20 digits do not fit a double, so they are compared as text. */
export const compareIdsLua = `
local function compareIds(a, b)
  local aMs, aSeq = string.match(a, '(%d+)-(%d+)')
  local bMs, bSeq = string.match(b, '(%d+)-(%d+)')
  local x, y = aMs, bMs
  if x == y then x, y = aSeq, bSeq end
  if x == y then return 0 end
  if #x ~= #y then return #x < #y and -1 or 1 end
  return x < y and -1 or 1
end
`

/** A group that is gone holds the stream for so long: its consumers create it again from its mark. */
const GONE_GROUP_HOLDS_MS = 300_000

/**
 * `neededFrom(stream, required, marks)`: the oldest id that some group has pending or not yet read past, or had when it
 * was last seen, a short while ago; nothing below it is needed. False while there is no group, or a required one is
 * missing. The second value lists { group, oldest pending id or last delivered id, pending count, last delivered id }
 * for each group that exists, the third those that are gone and hold the stream. `nowMs()`: the server's clock.
 */
export const neededLua = `
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function neededFrom(stream, required, marks)
  if redis.call('EXISTS', stream) == 0 then return false, {}, {} end
  local missing, exists = {}, {}
  for _, group in ipairs(required) do missing[group] = true end
  local needed, groups, gone = false, {}, {}
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group, delivered = info[2], info[8]
    local pending = redis.call('XPENDING', stream, group)
    local mark = pending[1] > 0 and pending[2] or delivered
    if not needed or compareIds(mark, needed) < 0 then needed = mark end
    missing[group], exists[group] = nil, true
    groups[#groups + 1] = { group, mark, pending[1], delivered }
  end
  if next(missing) then return false, groups, gone end
  local held, at = redis.call('HGETALL', marks), nowMs()
  for i = 1, #held, 2 do
    local mark, seenMs = string.match(held[i + 1], '^(%S+) (%d+)$')
    if mark and needed and not exists[held[i]] and at - seenMs < ${GONE_GROUP_HOLDS_MS} then
      if compareIds(mark, needed) < 0 then needed = mark end
      gone[#gone + 1] = { held[i], mark, 0, mark }
    end
  end
  return needed, groups, gone
end
`

/** `holds(stream, group, id, owner, attempt)`: whether this very delivery is still its owner's: the fencing token. */
export const holdsLua = `
local function holds(stream, group, id, owner, attempt)
  local pending = redis.call('XPENDING', stream, group, id, id, 1, owner)[1]
  return pending ~= nil and pending[4] == tonumber(attempt)
end
`
