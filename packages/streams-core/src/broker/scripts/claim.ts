import { script } from '../connection.ts'
import { holdsLua } from './fragments.ts'

/**
 * Claims what nobody is working on: entries of dead consumers (idle for leaseMs) and retries that are due
 * (idle for horizonMs under the pseudo-consumer). Scan and claim are one step, so no two consumers can meet in it;
 * the lock only sees to it that the lists are not walked by every consumer of the group at once.
 *
 * A crash suspect is an expired entry that was delivered at least twice, or died alone. It is never claimed beside
 * others: \`shared\` mode counts suspects, \`suspect\` mode claims just one, under a name that says so, until it can be
 * run alone (ISOLATE). Who dies under a name alone is guilty beyond doubt; at maxDeliveries it is handed out marked
 * \`crashed\`, not to be run. A last delivery that was cut short in company is repeated, not charged: the crash may have
 * been a neighbour's.
 *
 * While one consumer has a suspect, those who have other work leave the rest to it, so that the group goes on.
 *
 * KEYS[1] stream   KEYS[2] lock   KEYS[3] history
 * ARGV[1] group   ARGV[2] our name   ARGV[3] our name when alone   ARGV[4] our name for suspects
 * ARGV[5] suffix of names alone   ARGV[6] suffix of names for suspects   ARGV[7] pseudo-consumer of retries
 * ARGV[8] leaseMs   ARGV[9] horizonMs   ARGV[10] maxDeliveries   ARGV[11] how many at most   ARGV[12] lockMs
 * ARGV[13] mode: shared or suspect   ARGV[14] 1: we hold nothing (mode suspect)
 * Returns { number of suspects left, { kind, id, attempt, fields or false }… }; kind: run or crashed. False: locked.
 */
export const CLAIM = script(
  `
local stream, group, me, alone, suspect = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local aloneSuffix, suspectSuffix, retry = ARGV[5], ARGV[6], ARGV[7]
local leaseMs, horizonMs, maxDeliveries, room = ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
local shared, holdsNothing = ARGV[13] == 'shared', ARGV[14] == '1'
if shared and not redis.call('SET', KEYS[2], me, 'NX', 'PX', ARGV[12]) then return false end

local claimed, suspects = {}, 0
local consumers = redis.call('XINFO', 'CONSUMERS', stream, group)

local function claim(owner, id, attempt, kind)
  local entry = redis.call('XCLAIM', stream, group, owner, 0, id, 'RETRYCOUNT', attempt)[1]
  if not entry then redis.call('HDEL', KEYS[3], id) end
  claimed[#claimed + 1] = { kind, id, attempt, entry and entry[2] or false }
  room = room - 1
end

local function isNamed(name, suffix) return string.sub(name, -#suffix) == suffix end
local function isIsolated(name) return isNamed(name, aloneSuffix) or isNamed(name, suspectSuffix) end

local function isAnotherAtIt()
  for _, info in ipairs(consumers) do
    local name, pending = info[2], math.min(info[4], 200)
    if isIsolated(name) and pending > 0 and name ~= alone and name ~= suspect then
      local expired = redis.call('XPENDING', stream, group, 'IDLE', leaseMs, '-', '+', pending, name)
      if #expired < pending then return true end
    end
  end
  return false
end

local function takeExpired(id, name, attempt)
  -- Under a name of our own it is a delivery whose reply was lost: we live, so nobody is guilty.
  local isOurs = name == alone or name == suspect
  local next = isOurs and attempt or math.min(attempt + 1, maxDeliveries)
  if isNamed(name, aloneSuffix) and not isOurs and attempt >= maxDeliveries then
    if shared then claim(me, id, attempt, 'crashed') end
  elseif isIsolated(name) or attempt >= 2 or attempt >= maxDeliveries then
    suspects = suspects + 1
    if not shared then claim(suspect, id, next, 'run') end
  elseif shared then
    claim(me, id, next, 'run')
  end
end

-- Suspects at the head of a list must not hide what is behind them: walk on with a cursor until there is no room.
local function walk(name, idleMs, take)
  local start = '-'
  while room > 0 do
    local page = redis.call('XPENDING', stream, group, 'IDLE', idleMs, start, '+', 200, name)
    for _, entry in ipairs(page) do
      if room > 0 then take(entry[1], name, entry[4]) end
    end
    if #page < 200 then return end
    start = '(' .. page[#page][1]
  end
end

if not shared and not holdsNothing and isAnotherAtIt() then return { 0 } end
for _, info in ipairs(consumers) do
  local name, pending = info[2], info[4]
  if pending > 0 and name ~= retry and name ~= me then walk(name, leaseMs, takeExpired) end
end
if shared then
  walk(retry, horizonMs, function(id, _, attempt) claim(me, id, math.min(attempt + 1, maxDeliveries), 'run') end)
  -- Whoever could not take all there was lets the next one look at once.
  if room == 0 then redis.call('DEL', KEYS[2]) end
end
return { suspects, unpack(claimed) }
`,
  { allowOom: true },
)

/**
 * Hands a suspect to our name alone: from here on its death proves its guilt.
 *
 * KEYS[1] stream
 * ARGV[1] group   ARGV[2] entry id   ARGV[3] owner   ARGV[4] attempt   ARGV[5] our name when alone
 * Returns 1, or 0 when the lease is lost.
 */
export const ISOLATE = script(
  `
${holdsLua}
local stream, group, id = KEYS[1], ARGV[1], ARGV[2]
if not holds(stream, group, id, ARGV[3], ARGV[4]) then return 0 end
redis.call('XCLAIM', stream, group, ARGV[5], 0, id, 'JUSTID')
return 1
`,
  { allowOom: true },
)

/**
 * Takes deliveries that Redis made to us and we never saw, because the reply was lost: they are ours, and nobody
 * extends them. They keep the count they have; nothing was tried yet.
 *
 * KEYS[1] stream
 * ARGV[1] group   ARGV[2…] entry id, owner, attempt of each
 * Returns { id, owner, attempt, fields or false } of those that are still ours.
 */
export const RETAKE = script(
  `
${holdsLua}
local stream, group, taken = KEYS[1], ARGV[1], {}
for i = 2, #ARGV, 3 do
  local id, owner, attempt = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if holds(stream, group, id, owner, attempt) then
    local entry = redis.call('XCLAIM', stream, group, owner, 0, id, 'RETRYCOUNT', attempt)[1]
    taken[#taken + 1] = { id, owner, attempt, entry and entry[2] or false }
  end
end
return taken
`,
  { allowOom: true },
)
