import { script } from '../connection.ts'
import { holdsLua } from './fragments.ts'

/**
 * Claims what nobody is working on: entries of dead consumers (idle for leaseMs) and retries that are due
 * (idle for horizonMs under the pseudo-consumer). Scan and claim are one step, so no two consumers can meet in it;
 * the lock only sees to it that the lists are not walked by every consumer of the group at once.
 *
 * A crash suspect is an expired entry that was delivered at least twice, or died alone. It is never claimed beside
 * others: \`shared\` mode counts suspects, \`alone\` mode claims just one, under a name that says so. Who dies with an
 * entry under that name is guilty beyond doubt; at maxDeliveries it is handed out marked \`crashed\`, not to be run.
 * A last delivery that was cut short in company is repeated, not charged: the crash may have been a neighbour's.
 *
 * KEYS[1] stream   KEYS[2] lock
 * ARGV[1] group   ARGV[2] our name   ARGV[3] our name when alone   ARGV[4] suffix of names alone
 * ARGV[5] pseudo-consumer of retries   ARGV[6] leaseMs   ARGV[7] horizonMs   ARGV[8] maxDeliveries
 * ARGV[9] how many at most   ARGV[10] lockMs   ARGV[11] mode: shared or alone
 * Returns { number of suspects left, { kind, id, attempt, fields or false }… }; kind: run or crashed. False: locked.
 */
export const CLAIM = script(
  `
local stream, group, me, alone, suffix, retry = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local leaseMs, horizonMs, maxDeliveries = ARGV[6], ARGV[7], tonumber(ARGV[8])
local room, lockMs, shared = tonumber(ARGV[9]), ARGV[10], ARGV[11] == 'shared'
if shared and not redis.call('SET', KEYS[2], me, 'NX', 'PX', lockMs) then return false end

local claimed, suspects = {}, 0

local function claim(owner, id, attempt, kind)
  local entry = redis.call('XCLAIM', stream, group, owner, 0, id, 'RETRYCOUNT', attempt)[1]
  claimed[#claimed + 1] = { kind, id, attempt, entry and entry[2] or false }
  room = room - 1
end

local function wasAlone(name) return string.sub(name, -#suffix) == suffix end

local function takeExpired(id, name, attempt)
  -- Under our own name alone it is a delivery whose reply was lost: we live, so nobody is guilty.
  local guilty = wasAlone(name) and name ~= alone
  if guilty and attempt >= maxDeliveries then
    if shared then claim(me, id, attempt, 'crashed') end
  elseif wasAlone(name) or attempt >= 2 or attempt >= maxDeliveries then
    suspects = suspects + 1
    local next = name == alone and attempt or math.min(attempt + 1, maxDeliveries)
    if not shared then claim(alone, id, next, 'run') end
  elseif shared then
    claim(me, id, math.min(attempt + 1, maxDeliveries), 'run')
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

for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local name, pending = info[2], info[4]
  if pending > 0 and name ~= retry and name ~= me then walk(name, leaseMs, takeExpired) end
end
if shared then
  walk(retry, horizonMs, function(id, _, attempt) claim(me, id, math.min(attempt + 1, maxDeliveries), 'run') end)
end
-- Whoever could not take all there was lets the next one look at once.
if shared and room == 0 then redis.call('DEL', KEYS[2]) end
return { suspects, unpack(claimed) }
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
