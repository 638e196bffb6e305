import { script } from '../script.ts'
import { holdsLua, infoLua, pseudoConsumersLua } from './fragments.ts'

/**
 * What is to be done with an entry whose lease is over, found under `name` after `attempt` deliveries:
 *   `crashed`   its last delivery ran alone, and the consumer died: dead-letter it, do not run it again;
 *   `suspect`   delivered at least twice or for the last time, or set apart: only to be run alone;
 *   `run`       anything else.
 * If a crash cuts the last delivery short while other entries ran beside it, the delivery is repeated and not charged:
 * the crash may have been a neighbour's. An entry under this consumer's `~suspect` or `~alone` came in a lost reply.
 * The consumer lives, so the entry is not guilty.
 */
const expiredLua = `
local function isOurSetApart(name) return name == alone or name == suspect end
local function kindOf(name, attempt)
  if isAlone(name) and not isOurSetApart(name) and attempt >= maxDeliveries then return 'crashed' end
  if isSetApart(name) or attempt >= 2 or attempt >= maxDeliveries then return 'suspect' end
  return 'run'
end
local function nextAttempt(name, attempt)
  if isOurSetApart(name) then return attempt end
  return math.min(attempt + 1, maxDeliveries)
end
`

/**
 * `walk(name, idleMs, take)`: calls `take(id, attempt)` for what is pending under a name and idle for `idleMs`, while
 * there is room. Entries at the head of a list that are not taken must not hide what is behind them: the walk goes on.
 * `claim(owner, id, attempt, kind)`: claims one entry.
 */
const takeLua = `
local claimed = {}
local function claim(owner, id, attempt, kind)
  local entry = redis.call('XCLAIM', stream, group, owner, 0, id, 'RETRYCOUNT', attempt)[1]
  if not entry then redis.call('HDEL', history, id) end
  claimed[#claimed + 1] = { kind, id, attempt, entry and entry[2] or false }
  room = room - 1
end
local function walk(name, idleMs, take)
  local start = '-'
  while room > 0 do
    local page = redis.call('XPENDING', stream, group, 'IDLE', idleMs, start, '+', 200, name)
    for _, entry in ipairs(page) do
      if room > 0 then take(entry[1], entry[4]) end
    end
    if #page < 200 then return end
    start = '(' .. page[#page][1]
  end
end
`

/**
 * Claims what nobody is working on: entries whose lease is over (idle for `expiredMs`), and retries that are due (idle
 * for `dueMs` under the pseudo-consumer of retries). Scan and claim are one step, so no other consumer can come
 * between; the lock only keeps the consumers of a group from all walking the same lists. Crash suspects are counted,
 * not claimed.
 *
 * Returns { number of suspects, { kind, id, attempt, fields or false }… }; kind: run or crashed. False: locked.
 */
export const CLAIM = script(
  {
    keys: ['stream', 'scanLock', 'history'],
    args: ['group', 'consumer', 'alone', 'suspect', 'expiredMs', 'dueMs', 'maxDeliveries', 'room', 'lockMs'],
    allowOom: true,
  },
  `
${infoLua}
${pseudoConsumersLua}
room, maxDeliveries = tonumber(room), tonumber(maxDeliveries)
${expiredLua}
${takeLua}
if not redis.call('SET', scanLock, consumer, 'NX', 'PX', lockMs) then return false end

local suspects = 0
for _, info in ipairs(consumerInfos(stream, group)) do
  local name = info.name
  if info.pending > 0 and name ~= RETRY and name ~= consumer then
    walk(name, expiredMs, function(id, attempt)
      local kind = kindOf(name, attempt)
      if kind == 'suspect' then suspects = suspects + 1
      -- Its owner stays an ~alone name, which convicts it even if this consumer dies or this reply is lost.
      elseif kind == 'crashed' then claim(alone, id, attempt, kind)
      else claim(consumer, id, nextAttempt(name, attempt), kind) end
    end)
  end
end
walk(RETRY, dueMs, function(id, attempt) claim(consumer, id, math.min(attempt + 1, maxDeliveries), 'run') end)
-- A consumer without room for more lets the next one look at once.
if room == 0 then redis.call('DEL', scanLock) end
return { suspects, unpack(claimed) }
`,
)

/**
 * Claims one crash suspect under this consumer's name for suspects, until it can be run alone (ISOLATE). If another
 * consumer already works on a suspect, a consumer that holds other entries takes none, so that the rest of the group's
 * work goes on.
 *
 * `holdsNothing`: 1 or 0.   Returns { id, attempt, fields or false }, or false: there is none to take.
 */
export const CLAIM_SUSPECT = script(
  {
    keys: ['stream', 'history'],
    args: ['group', 'consumer', 'alone', 'suspect', 'expiredMs', 'maxDeliveries', 'holdsNothing'],
    allowOom: true,
  },
  `
${infoLua}
${pseudoConsumersLua}
local room = 1
maxDeliveries = tonumber(maxDeliveries)
${expiredLua}
${takeLua}
local infos = consumerInfos(stream, group)

local function isAnotherAtWork()
  for _, info in ipairs(infos) do
    local name, pending = info.name, math.min(info.pending, 200)
    if isSetApart(name) and pending > 0 and not isOurSetApart(name) then
      local expired = redis.call('XPENDING', stream, group, 'IDLE', expiredMs, '-', '+', pending, name)
      if #expired < pending then return true end
    end
  end
  return false
end

if holdsNothing == '0' and isAnotherAtWork() then return false end
for _, info in ipairs(infos) do
  local name = info.name
  if info.pending > 0 and name ~= RETRY and name ~= consumer then
    walk(name, expiredMs, function(id, attempt)
      if kindOf(name, attempt) == 'suspect' then claim(suspect, id, nextAttempt(name, attempt), 'run') end
    end)
  end
end
if not claimed[1] then return false end
local _, id, attempt, fields = unpack(claimed[1])
return { id, attempt, fields }
`,
)

/**
 * Moves a suspect to this consumer's name for running alone: from here on, if the consumer dies, the suspect is guilty.
 *
 * Returns 1, or 0: the lease was lost.
 */
export const ISOLATE = script(
  { keys: ['stream'], args: ['group', 'entryId', 'owner', 'attempt', 'alone'], allowOom: true },
  `
${holdsLua}
if not holds(entryId, owner, attempt) then return 0 end
redis.call('XCLAIM', stream, group, alone, 0, entryId, 'JUSTID')
return 1
`,
)

/**
 * Moves an entry from this consumer's name for running alone to the consumer's own name: the entry has run alone for
 * long enough without killing the consumer, and runs on beside others.
 *
 * Returns 1, or 0: the lease was lost.
 */
export const REJOIN = script(
  { keys: ['stream'], args: ['group', 'entryId', 'alone', 'attempt', 'consumer'], allowOom: true },
  `
${holdsLua}
-- The same command may have run before, and its reply was lost.
if holds(entryId, consumer, attempt) then return 1 end
if not holds(entryId, alone, attempt) then return 0 end
redis.call('XCLAIM', stream, group, consumer, 0, entryId, 'JUSTID')
return 1
`,
)

/**
 * Retakes deliveries whose reply was lost: this consumer is their owner and does not know of them, so nobody extends
 * their leases. Their attempt stays as it is, because nothing has run yet.
 *
 * More arguments: entry id, owner, attempt of each.   Returns { id, owner, attempt, fields or false } of each that is
 * still this consumer's.
 */
export const RETAKE = script(
  { keys: ['stream'], args: ['group'], allowOom: true },
  `
${holdsLua}
local retaken = {}
for i = MORE_ARGS, #ARGV, 3 do
  local id, owner, attempt = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  if holds(id, owner, attempt) then
    local entry = redis.call('XCLAIM', stream, group, owner, 0, id, 'RETRYCOUNT', attempt)[1]
    retaken[#retaken + 1] = { id, owner, attempt, entry and entry[2] or false }
  end
end
return retaken
`,
)
