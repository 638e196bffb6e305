import { RETRY_HORIZON_MS } from '../../define/limits.ts'
import { ENOUGH_BYTES } from './fragments.ts'

// What CLAIM is made of. The pieces share its variables.

/** So much of a list is looked at in one go. */
export const PAGE = 200
/** So many takeovers are remembered, each with so many entry ids. */
export const TAKEOVERS_KEPT = 50
export const IDS_OF_A_TAKEOVER = 50
/** Of a consumer that has shown itself within the lease: such a consumer extends what it holds. */
const PAGE_OF_THE_LIVING = 10

/** `claim(owner, id, attempt, reason)`: claims one entry, takes up room, and returns the entry, unless it was deleted. */
export const claimLua = `
local claimed, bytes = {}, 0
local function claim(owner, id, attempt, reason)
  local entry = redis.call('XCLAIM', stream, group, owner, 0, id, 'RETRYCOUNT', attempt)[1]
  local fields = entry and entry[2] or {}
  if not entry then redis.call('HDEL', history, id) end
  for i = 2, #fields, 2 do bytes = bytes + #fields[i] end
  claimed[#claimed + 1] = { reason, id, attempt, entry and fields }
  room = bytes < ${ENOUGH_BYTES} and room - 1 or 0
  return entry
end
`

/**
 * `takeOver(info)`: deals with what is pending under a name and whose lease is over, while there is room:
 *   `crashed`   its last delivery ran alone, and the consumer died: claims it, to be dead-lettered without another run;
 *   `suspect`   delivered at least twice or for the last time, or set apart: moves it to the suspects, to be run alone;
 *   `run`       claims anything else.
 * Whatever is over leaves the head of the list, so one page of the head shows whether there is anything to do: a living
 * consumer extends its leases, and all leases of a dead one are over within a lease of its death. What a dead process
 * has left to another one of its name is over at once.
 *
 * A suspect that was taken and not started is not charged. Neither is an entry under this consumer's own `~alone`: it
 * came in a lost reply. If a crash cuts the last delivery short while other entries ran beside it, the delivery is
 * repeated and not charged: the crash may have been a neighbour's.
 *
 * `noteTakeovers()`, at the end: writes down who has taken what from whom, and for how long (ms) the one that waited
 * longest had shown no sign of life. That is for those who watch the group: where it fails, nothing else does.
 */
export const takeOverLua = `
local taken = {}
local function noteTakeovers()
  for _, one in ipairs(taken) do
    local ids = table.concat(one.ids, ' ', 1, math.min(#one.ids, ${IDS_OF_A_TAKEOVER}))
    redis.pcall('XADD', takeovers, 'MAXLEN', ${TAKEOVERS_KEPT}, '*', 'from', one.from, 'to', one.to,
      'count', #one.ids, 'idle', one.idle, 'ids', ids)
  end
end
local function kindOf(name, attempt)
  if isAlone(name) and name ~= alone and attempt >= maxDeliveries then return 'crashed' end
  if isAlone(name) or isSuspect(name) or attempt >= 2 or attempt >= maxDeliveries then return 'suspect' end
  return 'run'
end
local function moveToSuspects(name, id, attempt)
  local isCharged = not isSuspect(name) and name ~= alone
  local count = isCharged and attempt or math.max(0, attempt - 1)
  local moved = redis.call('XCLAIM', stream, group, SUSPECTS, 0, id, 'RETRYCOUNT', count, 'JUSTID')[1]
  -- A due time from before the group was set back must not hide it.
  redis.call('ZREM', due, id)
  if moved then suspects = suspects + 1 else redis.call('HDEL', history, id) end
  moves = moves - 1
  return moved
end
local function takeOver(info)
  local name, takeoverBy = info.name, {}
  local function note(to, id, idle)
    local one = takeoverBy[to]
    if not one then
      one = { from = name, to = to, ids = {}, idle = 0 }
      takeoverBy[to], taken[#taken + 1] = one, one
    end
    one.ids[#one.ids + 1], one.idle = id, math.max(one.idle, idle)
  end
  local overMs = isLeft(name) and 0 or leaseMs + delayMs
  local size = info.idle < overMs and ${PAGE_OF_THE_LIVING} or ${PAGE}
  local page, left
  repeat
    page, left = redis.call('XPENDING', stream, group, '-', '+', size, name), 0
    for _, entry in ipairs(page) do
      local id, idle, attempt = entry[1], entry[3], entry[4]
      local kind = kindOf(name, attempt)
      if idle < overMs then
        left, waitMs = left + 1, math.min(waitMs, overMs - idle)
      elseif kind == 'suspect' and moves > 0 then
        if moveToSuspects(name, id, attempt) then note(SUSPECTS, id, idle) end
      elseif kind == 'suspect' or room == 0 then left, hasMore = left + 1, 1
      -- Its owner stays an ~alone name, which convicts it even if this consumer dies or this reply is lost.
      elseif kind == 'crashed' then
        if claim(crashed, id, attempt, 'crashed') then note(crashed, id, idle) end
      else
        if claim(consumer, id, math.min(attempt + 1, maxDeliveries), 'lease-over') then note(consumer, id, idle) end
      end
    end
  until left > 0 or #page < size
end
`

/**
 * `untilDue()`: ms until the next retry is due.   `takeDue(most)`: claims retries that are due.
 *
 * `completeIndex(parked)`: an entry that an older version has parked has no due time noted. It was due when its idle
 * time reached 24 hours. Adds one page of such entries. If due times were lost, their entries are due at once.
 */
export const dueLua = `
local function untilDue()
  local nextDue = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
  return nextDue and math.max(0, nextDue + delayMs - time) or leaseMs
end
local function takeDue(most)
  while most > 0 and room > 0 do
    local ids = redis.call('ZRANGEBYSCORE', due, '-inf', time - delayMs, 'LIMIT', 0, math.min(most, ${PAGE}))
    if #ids == 0 then return end
    local taken = 0
    for i, id in ipairs(ids) do
      if room == 0 then break end
      local entry = redis.call('XPENDING', stream, group, id, id, 1, RETRY)[1]
      if entry then claim(consumer, id, math.min(entry[4] + 1, maxDeliveries), 'due') end
      taken = i
    end
    redis.call('ZREM', due, unpack(ids, 1, taken))
    most = most - taken
  end
end
local function completeIndex(parked)
  if parked <= redis.call('ZCARD', due) then return end
  local start = redis.call('GET', dueScan) or '-'
  local page = redis.call('XPENDING', stream, group, start, '+', ${PAGE}, RETRY)
  for _, entry in ipairs(page) do
    local isOld = entry[3] > ${RETRY_HORIZON_MS / 2}
    redis.call('ZADD', due, 'NX', isOld and time + ${RETRY_HORIZON_MS} - entry[3] or time, entry[1])
  end
  if #page < ${PAGE} then return redis.call('DEL', dueScan) end
  redis.call('SET', dueScan, '(' .. page[#page][1], 'PX', 60000)
  hasMore = 1
end
`

/**
 * `takeBack(info)`: claims, while there is room, entries that were set aside under a name whose event type is no longer
 * paused. Their list is looked at from its head, so each call costs what it claims, however many wait.
 *
 * `restoreSuspects(info)`: moves one page of the crash suspects among them to the suspects again.
 */
export const takeBackLua = `
local function restoreSuspects(info)
  for _, entry in ipairs(redis.call('XPENDING', stream, group, '-', '+', ${PAGE}, info.name)) do
    local moved = redis.call('XCLAIM', stream, group, SUSPECTS, 0, entry[1], 'JUSTID')[1]
    if moved then suspects = suspects + 1 else redis.call('HDEL', history, entry[1]) end
  end
  if info.pending > ${PAGE} then hasMore = 1 end
end
local function takeBack(info)
  repeat
    local most = math.min(room, ${PAGE})
    local page = redis.call('XPENDING', stream, group, '-', '+', most, info.name)
    for _, entry in ipairs(page) do
      if room > 0 then claim(consumer, entry[1], math.min(entry[4] + 1, maxDeliveries), 'due') end
    end
  until room == 0 or #page < most
end
`
