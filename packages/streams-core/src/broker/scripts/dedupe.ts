import { nowLua } from './fragments.ts'

/** The keys are kept for so much longer than their ids need it: see `dedupeLua`. A day. */
const KEPT_LONGER_MS = 86_400_000

/** Redis' Lua unpacks at most about 8,000 values, and HSET takes two for each id. */
const IDS_AT_ONCE = 3_000

/**
 * Event ids are remembered in two buckets, the current one and the one before it. Both are hashes: event id → entry id.
 * New ids go into the current one. When no id of the previous one is needed any more, that one is deleted, and the two
 * swap roles. So an id is remembered for `dedupeMs` at least, and at most for little more than twice that, and no id has
 * a key or an expiry of its own.
 *
 * The key `dedupe` holds: which bucket is the current one; until when the ids of the current bucket are needed; until
 * when those of the previous one are; Redis' clock when this was written. Each producer needs its ids for a `dedupeMs`
 * of its own, and the latest of these times counts. The times are written down as a sixteenth of a window later than
 * needed, so that not every call has to write them (a call with one event takes an eighth less).
 *
 * A bucket is deleted by UNLINK and not left to its expiry, because expiry frees a large hash in one go, and Redis does
 * nothing else meanwhile. The keys expire only when nobody has published for a day longer than the ids were needed.
 *
 * `openBuckets()`: finds which bucket is the current one now, and which are over: no id in them is needed any more. It
 * writes nothing: over `maxmemory` Redis refuses to append only as long as the script has written nothing.
 *
 * `recall(ids)`: the entry ids of those event ids that are remembered, by event id.
 *
 * `remember(new, hasDuplicates)`: `new` is event id, entry id, event id, entry id … After a duplicate it always writes,
 * though it may change nothing: a WAITAOF that follows then covers the first append as well. When nothing was appended
 * and Redis is over `maxmemory`, Redis refuses the SET; the next call then reads the same times and finds the same.
 */
export const dedupeLua = `
${nowLua}
local atMs, backMs, isUnknown, current, neededTo, previousNeededTo
local buckets, isOver = { [0] = bucket0, bucket1 }, {}

local function openBuckets()
  local noted, notedAt = redis.call('GET', dedupe), nil
  atMs, isUnknown = nowMs(), not noted
  if noted then
    current, neededTo, previousNeededTo, notedAt = string.match(noted, '^(%d) (%-?%d+) (%-?%d+) (%d+)$')
  else
    -- Nobody knows for how long the ids in the buckets are needed, if there are any.
    current, neededTo, previousNeededTo, notedAt = 0, 0, atMs + dedupeMs, atMs
  end
  -- When the clock was set back, the times are set back with it.
  backMs = math.max(0, notedAt - atMs)
  current, neededTo, previousNeededTo = tonumber(current), neededTo - backMs, previousNeededTo - backMs
  -- Twice, because both buckets may be over.
  for _ = 1, 2 do
    if atMs >= previousNeededTo then
      isOver[1 - current] = true
      current, neededTo, previousNeededTo = 1 - current, 0, neededTo
    end
  end
end

local function recall(ids)
  local recalled = {}
  for _, number in ipairs({ current, 1 - current }) do
    if not isOver[number] then
      for from = 1, #ids, ${IDS_AT_ONCE} do
        local to = math.min(from + ${IDS_AT_ONCE - 1}, #ids)
        local found = redis.call('HMGET', buckets[number], unpack(ids, from, to))
        for i = from, to do
          if found[i - from + 1] then recalled[ids[i]] = found[i - from + 1] end
        end
      end
    end
  end
  return recalled
end

local function remember(new, hasDuplicates)
  if #new == 0 and not hasDuplicates then return end
  local isTooEarly = #new > 0 and neededTo < atMs + dedupeMs
  if isTooEarly then neededTo = math.ceil(atMs + dedupeMs * 17 / 16) end
  local leftMs = math.max(neededTo, previousNeededTo) - atMs + ${KEPT_LONGER_MS}
  local isDue = isTooEarly or isUnknown or backMs > 0
  if isDue then
    local noted = string.format('%d %.0f %.0f %.0f', current, neededTo, previousNeededTo, atMs)
    local written = redis.pcall('SET', dedupe, noted, 'PX', leftMs)
    if written.err and not string.find(written.err, '^OOM') then error(written) end
    for number in pairs(isOver) do redis.call('UNLINK', buckets[number]) end
  end
  for from = 1, #new, ${2 * IDS_AT_ONCE} do
    redis.call('HSET', buckets[current], unpack(new, from, math.min(from + ${2 * IDS_AT_ONCE - 1}, #new)))
  end
  if isDue or hasDuplicates then
    for _, key in ipairs({ dedupe, bucket0, bucket1 }) do redis.call('PEXPIRE', key, leftMs) end
  end
end
`
