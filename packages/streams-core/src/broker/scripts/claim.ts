import { RETRY_HORIZON_MS } from '../../define/limits.ts'
import { script } from '../script.ts'
import { groupTimeLua, infoLua, lockLua, pseudoConsumersLua } from './fragments.ts'

/** So much of a list is looked at in one go. */
const PAGE = 200
/** Of a consumer that has shown itself within the lease: such a consumer extends what it holds. */
const PAGE_OF_THE_LIVING = 10
/** A call that has claimed so many bytes claims no more, so that it holds Redis up for milliseconds only. */
const ENOUGH_BYTES = 1_000_000

/** `claim(owner, id, attempt, kind)`: claims one entry, and takes up room. */
const claimLua = `
local claimed, bytes = {}, 0
local function claim(owner, id, attempt, kind)
  local entry = redis.call('XCLAIM', stream, group, owner, 0, id, 'RETRYCOUNT', attempt)[1]
  local fields = entry and entry[2] or {}
  if not entry then redis.call('HDEL', history, id) end
  for i = 2, #fields, 2 do bytes = bytes + #fields[i] end
  claimed[#claimed + 1] = { kind, id, attempt, entry and fields }
  room = bytes < ${ENOUGH_BYTES} and room - 1 or 0
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
 */
const takeOverLua = `
local function kindOf(name, attempt)
  if isAlone(name) and name ~= alone and attempt >= maxDeliveries then return 'crashed' end
  if isAlone(name) or isSuspect(name) or attempt >= 2 or attempt >= maxDeliveries then return 'suspect' end
  return 'run'
end
local function moveToSuspects(name, id, attempt)
  local isCharged = not isSuspect(name) and name ~= alone
  local count = isCharged and attempt or math.max(0, attempt - 1)
  redis.call('XCLAIM', stream, group, SUSPECTS, 0, id, 'RETRYCOUNT', count, 'JUSTID')
  suspects, moves = suspects + 1, moves - 1
end
local function takeOver(info)
  local name = info.name
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
      elseif kind == 'suspect' and moves > 0 then moveToSuspects(name, id, attempt)
      elseif kind == 'suspect' or room == 0 then left, hasMore = left + 1, 1
      -- Its owner stays an ~alone name, which convicts it even if this consumer dies or this reply is lost.
      elseif kind == 'crashed' then claim(alone, id, attempt, kind)
      else claim(consumer, id, math.min(attempt + 1, maxDeliveries), kind) end
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
const dueLua = `
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
      if entry then claim(consumer, id, math.min(entry[4] + 1, maxDeliveries), 'run') end
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
 * Claims what nobody is working on: entries whose lease is over, and retries that are due. Scan and claim are one step,
 * so no other consumer can come between; the lock only limits how often the group is scanned while no retry is due.
 * What merely waits costs nothing: each list is looked at from its head, and retries are found by their due time.
 *
 * `sentAt`: what Redis' clock shows at the time of sending, as far as the consumer can tell; empty if it cannot. A call
 * that comes late, because Redis hung or its clock was set ahead, claims due retries only: every lease looks as if it
 * were over, although its owner may live.
 * `holdsOff`: 1: due retries only, too.   `delayMs`: how much later than others this consumer claims an entry.
 *
 * Returns { Redis' clock, ms by which the call was late, ms by which the clock was found to be set back, ms until there
 * may be something to claim, 1 if there is more to claim now, number of suspects, 1 if a lease of this consumer is half
 * over, { kind, id, attempt, fields or false }… }; kind: run or crashed.
 */
export const CLAIM = script(
  {
    keys: ['stream', 'scanLock', 'history', 'due', 'dueScan', 'clock'],
    args: [
      ...(['group', 'consumer', 'alone', 'leaseMs', 'delayMs', 'holdsOff', 'maxDeliveries', 'room', 'lockMs'] as const),
      ...(['sentAt', 'graceMs'] as const),
    ],
    allowOom: true,
  },
  `
${infoLua}
${pseudoConsumersLua}
${groupTimeLua}
${lockLua}
room, leaseMs, delayMs, maxDeliveries = tonumber(room), tonumber(leaseMs), tonumber(delayMs), tonumber(maxDeliveries)
local waitMs, hasMore = leaseMs, 0
local suspects, moves = 0, ${PAGE}
local time, serverMs, backMs = groupTime()
local lateMs = sentAt == '' and 0 or serverMs - sentAt
${claimLua}
${takeOverLua}
${dueLua}
local isHalfOver = #redis.call('XPENDING', stream, group, 'IDLE', math.ceil(leaseMs / 2), '-', '+', 1, consumer)
local dueMs = untilDue()
if dueMs > 0 and isLocked(scanLock, lockMs, serverMs) then
  local nextAt = string.match(redis.call('GET', scanLock), '%d+$')
  return { serverMs, lateMs, 0, math.min(dueMs, math.max(0, nextAt - serverMs)), 0, 0, isHalfOver }
end
redis.call('SET', clock, string.format('%.0f %.0f', time, time - serverMs))

local infos = consumerInfos(stream, group)
for _, info in ipairs(infos) do
  if info.name == RETRY then completeIndex(info.pending) end
  if info.name == SUSPECTS then suspects = info.pending end
end
takeDue(math.ceil(room / 2))
if holdsOff == '0' and lateMs <= tonumber(graceMs) then
  for _, info in ipairs(infos) do
    local name = info.name
    if info.pending > 0 and name ~= RETRY and name ~= SUSPECTS and name ~= consumer then takeOver(info) end
  end
end
takeDue(room)
waitMs = math.min(waitMs, untilDue())
if room == 0 then hasMore = 1 end
-- While there is more, the next consumer may look at once.
if hasMore == 0 then
  redis.call('SET', scanLock, string.format('%.0f %.0f', serverMs + lockMs, serverMs + waitMs), 'PX', lockMs)
end
return { serverMs, lateMs, backMs, waitMs, hasMore, suspects, isHalfOver, unpack(claimed) }
`,
)

/**
 * After the clock of Redis was set back, what was delivered before seems to have been delivered in the future, and its
 * lease would last until then. Sets the idle time of such entries anew, one page of the list of one name.
 *
 * Returns { how many, where the next page starts, or false at the end }.
 */
export const RESET_IDLE = script(
  { keys: ['stream'], args: ['group', 'name', 'start'], allowOom: true },
  `
local page, count = redis.call('XPENDING', stream, group, start, '+', ${PAGE}, name), 0
for _, entry in ipairs(page) do
  -- An idle time below 0 is shown as 0.
  if entry[3] == 0 then
    redis.call('XCLAIM', stream, group, name, 0, entry[1], 'JUSTID')
    count = count + 1
  end
end
return { count, #page == ${PAGE} and '(' .. page[#page][1] }
`,
)
