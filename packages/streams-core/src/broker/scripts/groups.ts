import { script } from '../script.ts'
import { groupInfoLua, infoLua, nowLua, pseudoConsumersLua } from './fragments.ts'
import { leasesLua } from './tally.ts'

// What an operator does to a whole group. Everything here is one step: no consumer can start in between.

/** Consumers scan their group more often than this, unless they hold so much that they show by their leases. */
const SCANNED_WITHIN_MS = 3_000

/**
 * `atWork()`: whether somebody works in the group: its consumers ask Redis for something at least once in a lease, and
 * scan the group. Which lease: the longest that a consumer with a name in the group has told; `untoldLeaseMs` for each
 * that has told none. Returns the milliseconds after which the group counts as left, or 0, and the names of its consumers.
 */
const atWorkLua = `
${infoLua}
${groupInfoLua}
${nowLua}
${pseudoConsumersLua}
${leasesLua}
local function atWork()
  local freeInMs, names, isNamed = 0, {}, {}
  local infos = consumerInfos(stream, group)
  local leaseMs = longestLease(talliedIn(tally), infos, tonumber(untoldLeaseMs))
  for _, info in ipairs(infos) do
    local leftMs, name = leaseMs - info.idle, consumerIn(info.name)
    if name and leftMs > 0 and not isLeft(info.name) then
      freeInMs = math.max(freeInMs, leftMs)
      if not isNamed[name] then names[#names + 1] = name end
      isNamed[name] = true
    end
  end
  local last, ahead = string.match(redis.call('GET', clock) or '', '^(%d+) (%d+)$')
  local sinceMs = last and nowMs() - (last - ahead) or ${SCANNED_WITHIN_MS}
  if sinceMs >= 0 then freeInMs = math.max(freeInMs, ${SCANNED_WITHIN_MS} - sinceMs) end
  return freeInMs, names
end
`

/**
 * Puts a group at a start: creates it, or creates it anew, which drops what is pending in one go. Its dead letters, its
 * idempotency records and the time of the group stay.
 *
 * `mustBeNew`, `dryRun`: 1 or 0.   `deliveredTo`, `pending`: of the group when the caller counted; empty and 0 where
 * there was none.   `first`: the first entry after the start then, or empty.   `counted`: how many there were after the
 * start when the stream had been given `addedBefore` entries.
 * Returns { 'exists' }; { 'at-work', ms until it counts as left, consumer… }; { 'stale' }: count again, what was counted
 * has changed; or { 'done', 1 if the group existed, entries after the start, pending entries dropped, oldest id or
 * false, entries that are not in the stream any more, ms until the group counts as left, consumer… }.
 */
export const START = script(
  {
    keys: ['stream', 'marks', 'history', 'due', 'dueScan', 'clock', 'lastStart', 'tally'],
    args: [
      ...(['group', 'start', 'untoldLeaseMs', 'mustBeNew', 'dryRun'] as const),
      ...(['deliveredTo', 'pending', 'first', 'counted', 'addedBefore'] as const),
    ],
    allowOom: true,
  },
  `
${atWorkLua}
local isReal = dryRun == '0'
local current = groupInfo()
if current and mustBeNew == '1' then return { 'exists' } end
local freeInMs, names = 0, {}
if current then freeInMs, names = atWork() end
if isReal and freeInMs > 0 then return { 'at-work', freeInMs, unpack(names) } end
local nowAt, nowPending = current and current['last-delivered-id'] or '', current and current.pending or 0
if isReal and (nowAt ~= deliveredTo or nowPending ~= tonumber(pending)) then return { 'stale' } end

local info = redis.call('EXISTS', stream) == 1 and streamInfo(stream)
local function firstId(after)
  local entry = redis.call('XRANGE', stream, after, '+', 'COUNT', 1)[1]
  return entry and entry[1]
end
local added, length = info and info['entries-added'] or 0, info and info.length or 0
local oldest, firstNow, ahead = firstId('-'), firstId('(' .. start), 0
if firstNow and firstNow == oldest then ahead = length
elseif firstNow then
  -- What has come since is not counted but known: publishes never make a count stale.
  if isReal and first ~= '' and firstNow ~= first then return { 'stale' } end
  ahead = counted + added - addedBefore
end

if isReal then
  -- One call drops what is pending, however much that is.
  if current then redis.call('XGROUP', 'DESTROY', stream, group) end
  redis.call('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM', 'ENTRIESREAD', math.max(0, added - ahead))
  redis.call('UNLINK', history, due, dueScan)
  local at = string.format('%.0f', nowMs())
  redis.call('HSET', marks, group, start .. ' ' .. at)
  redis.call('HSET', lastStart, 'after', start, 'at', at)
end
return { 'done', current and 1 or 0, ahead, nowPending, oldest or false, added - length, freeInMs, unpack(names) }
`,
)

/**
 * Deletes a group with everything that is its own.
 *
 * More keys: the keys of the group.   `dryRun`: 1 or 0.
 * Returns { 'at-work', ms until it counts as left, consumer… }, or { 'done', 1 if the group existed, lag or false,
 * pending entries, parked ones among them, dead letters, ms until the group counts as left, consumer… }.
 */
export const DELETE_GROUP = script(
  {
    keys: ['stream', 'marks', 'dropped', 'dead', 'clock', 'tally'],
    args: ['group', 'untoldLeaseMs', 'dryRun'],
    allowOom: true,
  },
  `
${atWorkLua}
local isReal = dryRun == '0'
local current = groupInfo()
local freeInMs, names, parked = 0, {}, 0
if current then
  freeInMs, names = atWork()
  for _, info in ipairs(consumerInfos(stream, group)) do
    if info.name == RETRY then parked = info.pending end
  end
end
if isReal and freeInMs > 0 then return { 'at-work', freeInMs, unpack(names) } end
local letters = redis.call('XLEN', dead)
if isReal then
  if current then redis.call('XGROUP', 'DESTROY', stream, group) end
  redis.call('HDEL', marks, group)
  redis.call('HDEL', dropped, group)
  redis.call('UNLINK', unpack(KEYS, MORE_KEYS))
end
local lag, pending = 0, 0
if current then lag, pending = current.lag, current.pending end
return { 'done', current and 1 or 0, lag, pending, parked, letters, freeInMs, unpack(names) }
`,
)

/**
 * Deletes the names of consumers that hold nothing and have been idle for long; never those of pseudo-consumers.
 *
 * `dryRun`: 1 or 0.   Returns { name, idle ms }… of each.
 */
export const PRUNE = script(
  { keys: ['stream'], args: ['group', 'idleMs', 'dryRun'], allowOom: true },
  `
${infoLua}
local pruned = {}
for _, info in ipairs(consumerInfos(stream, group)) do
  if info.pending == 0 and info.idle >= tonumber(idleMs) and not string.find(info.name, '~', 1, true) then
    -- DELCONSUMER destroys what is pending, so check and delete are one step.
    if dryRun == '0' then redis.call('XGROUP', 'DELCONSUMER', stream, group, info.name) end
    pruned[#pruned + 1] = { info.name, info.idle }
  end
end
return pruned
`,
)
