import { nowLua } from './fragments.ts'

/** The keys are kept for so much longer than their ids need it: see `openBuckets`. A day. */
const KEPT_LONGER_MS = 86_400_000

/** Redis' Lua unpacks at most about 8,000 values, and HSET takes two for each id. */
const IDS_AT_ONCE = 3_000

/**
 * Event ids are remembered in two buckets, the current one and the one before it. Both are hashes: event id → entry id.
 * New ids go into the current one. When no id of the previous one is needed any more, that one is deleted, and the two
 * change their parts. So an id is remembered for `dedupeMs` at least, and for less than twice that, and nothing is to
 * be done for it alone.
 *
 * The key `dedupe` holds: which bucket is the current one; Redis' clock at the last publish; until when the ids of the
 * current bucket are needed; until when those of the previous one are. Each producer needs its ids for a `dedupeMs` of
 * its own, and the latest of these times counts.
 *
 * `openBuckets()`: makes the buckets fit the time. It always writes, though there may be nothing new to remember: a
 * WAITAOF that follows then covers the first append of a duplicate as well. UNLINK, and not the expiry of the keys,
 * deletes a bucket, because expiry frees a large hash in one go, and Redis does nothing else meanwhile. The keys expire
 * only when nobody has published for a day longer than the ids were needed.
 *
 * `recall(ids)`: the entry ids of those event ids that are remembered, by event id.
 *
 * `remember(idsAndEntryIds)`: takes event id, entry id, event id, entry id …
 */
export const dedupeLua = `
${nowLua}
local current, previous

local function openBuckets()
  local at = nowMs()
  local place, lastAt, neededTo, previousNeededTo =
    string.match(redis.call('GET', dedupe) or '', '^(%d) (%d+) (%-?%d+) (%-?%d+)$')
  -- Without the key nobody knows for how long the ids in the buckets are needed, if there are any.
  if not place then place, lastAt, neededTo, previousNeededTo = 0, at, 0, at + dedupeMs end
  -- When the clock was set back, the times are set back with it.
  local backMs = math.max(0, lastAt - at)
  neededTo, previousNeededTo = neededTo - backMs, previousNeededTo - backMs

  local buckets = { [0] = bucket0, bucket1 }
  place = tonumber(place)
  for _ = 1, 2 do
    if at >= previousNeededTo then
      redis.call('UNLINK', buckets[1 - place])
      place, neededTo, previousNeededTo = 1 - place, 0, neededTo
    end
  end
  current, previous = buckets[place], buckets[1 - place]
  neededTo = math.max(neededTo, at + dedupeMs)
  local value = string.format('%d %.0f %.0f %.0f', place, at, neededTo, previousNeededTo)
  redis.call('SET', dedupe, value, 'PX', math.max(neededTo, previousNeededTo) - at + ${KEPT_LONGER_MS})
  return neededTo - at + ${KEPT_LONGER_MS}
end

local function recall(ids)
  local recalled = {}
  for from = 1, #ids, ${IDS_AT_ONCE} do
    local to = math.min(from + ${IDS_AT_ONCE - 1}, #ids)
    for _, bucket in ipairs({ current, previous }) do
      local found = redis.call('HMGET', bucket, unpack(ids, from, to))
      for i = from, to do
        if found[i - from + 1] then recalled[ids[i]] = found[i - from + 1] end
      end
    end
  end
  return recalled
end

local function remember(idsAndEntryIds, keepMs)
  for from = 1, #idsAndEntryIds, ${2 * IDS_AT_ONCE} do
    local to = math.min(from + ${2 * IDS_AT_ONCE - 1}, #idsAndEntryIds)
    redis.call('HSET', current, unpack(idsAndEntryIds, from, to))
  end
  if #idsAndEntryIds > 0 then redis.call('PEXPIRE', current, keepMs) end
end
`
