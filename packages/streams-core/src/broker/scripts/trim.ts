import { compareIdsLua, infoLua, nowLua } from './fragments.ts'

// What may be trimmed, and how: for the janitor, and for a publish that meets the cap.

/**
 * For this long the low-water mark of a gone group keeps entries: its consumers create the group again from the mark.
 */
const GONE_GROUP_HOLDS_MS = 300_000

/** Entries that one call trims, so that no call holds Redis up for long. */
const TRIMMED_AT_ONCE = 1_000

/**
 * `goneGroups(exists)`: a gone group counts with its low-water mark for a while: a list of { group, mark }.
 *
 * `idAged(ms)`: the lowest id of an entry that is not older than this.
 */
export const goneGroupsLua = `
${compareIdsLua}
${infoLua}
${nowLua}
local function goneGroups(exists)
  local gone, held, at = {}, redis.call('HGETALL', marks), nowMs()
  for i = 1, #held, 2 do
    if not exists[held[i]] then
      local mark, seenMs = string.match(held[i + 1], '^(%S+) (%d+)$')
      if mark and at - seenMs < ${GONE_GROUP_HOLDS_MS} then gone[#gone + 1] = { held[i], mark } end
    end
  end
  return gone
end
local function idAged(ms) return string.format('%.0f-0', math.max(0, nowMs() - ms)) end
`

/**
 * `trimNodes(needed, most)`: trims some entries before an id, up to `most`, in whole nodes of the stream. Returns whether
 * there may be more, and how many it has trimmed. A node is 100 entries, unless `stream-node-max-entries` says more.
 */
export const trimNodesLua = `
local function trimNodes(needed, most)
  local some = math.min(most, ${TRIMMED_AT_ONCE})
  local trimmed = redis.call('XTRIM', stream, 'MINID', '~', needed, 'LIMIT', some)
  -- No node at all: perhaps there is none to trim, perhaps the first one is larger than the limit.
  if trimmed == 0 then trimmed = redis.call('XTRIM', stream, 'MINID', '~', needed, 'LIMIT', math.min(most, 100000)) end
  return trimmed >= some / 2, trimmed
end
`

/**
 * `neededFrom(required)`: the id before which every group has acknowledged everything: the oldest entry that some group
 * has pending, or else the last one that it has read; and who needs it: { group, its pending entries, 1 if it is gone }.
 * While there is no group, or a required one is missing: false, and the names of the missing ones.
 *
 * `makeRoom(required, keepAtLeast, keepForMs, upTo)`: trims some of that at once, without waiting for the janitor, and
 * returns how many entries it has trimmed. Whoever calls it until it returns 0 has trimmed everything before the id `upTo`,
 * or, without one, everything.
 *
 * `dropOldest(maxLength, dropped, groupFormat)`: the lossy policy. It trims once the stream is 100 entries too long,
 * as MAXLEN ~ would, and counts exactly what each group loses by it. At most 1,000 entries a call, so a stream that is
 * far too long shrinks over several publishes.
 */
export const trimLua = `
${goneGroupsLua}
${trimNodesLua}
local function neededFrom(required)
  local missing, exists, needed, by = {}, {}, false, {}
  for _, group in ipairs(required) do missing[group] = true end
  for _, info in ipairs(groupInfos(stream)) do
    missing[info.name], exists[info.name] = nil, true
    local oldest = info.pending > 0 and redis.call('XPENDING', stream, info.name)[2] or info['last-delivered-id']
    if not needed or compareIds(oldest, needed) < 0 then needed, by = oldest, { info.name, info.pending, 0 } end
  end
  if next(missing) or not needed then
    local names = {}
    for name in pairs(missing) do names[#names + 1] = name end
    return false, names
  end
  for _, group in ipairs(goneGroups(exists)) do
    if compareIds(group[2], needed) < 0 then needed, by = group[2], { group[1], 0, 1 } end
  end
  return needed, by
end

local function makeRoom(required, keepAtLeast, keepForMs, upTo)
  local length = redis.call('XLEN', stream)
  local needed = length > keepAtLeast and neededFrom(required)
  if not needed then return 0 end
  local function keepFrom(id)
    if compareIds(id, needed) < 0 then needed = id end
  end
  if upTo then keepFrom(upTo) end
  if keepForMs > 0 then keepFrom(idAged(keepForMs)) end
  if keepAtLeast > 0 then
    local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(length - keepAtLeast, 1000) + 1)
    keepFrom(oldest[#oldest][1])
  end
  local hasMore, trimmed = trimNodes(needed, length)
  -- An exact trim knows no limit. It comes when all whole nodes are gone, and it has only a part of one left to do.
  if not hasMore then trimmed = trimmed + redis.call('XTRIM', stream, 'MINID', '=', needed) end
  return trimmed
end

local function countUnread(entries, count, deliveredId)
  local low, high = 0, count
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if compareIds(entries[middle][1], deliveredId) <= 0 then low = middle else high = middle - 1 end
  end
  return count - low
end
local function dropPending(group, keep, groupFormat)
  local dropped, groupKeys = 0, string.format(groupFormat, group)
  repeat
    local ids = {}
    for i, entry in ipairs(redis.call('XPENDING', stream, group, '-', '(' .. keep, 1000)) do ids[i] = entry[1] end
    if #ids > 0 then
      redis.call('XACK', stream, group, unpack(ids))
      redis.call('HDEL', groupKeys .. 'history', unpack(ids))
      redis.call('ZREM', groupKeys .. 'due', unpack(ids))
      dropped = dropped + #ids
    end
  until #ids < 1000
  return dropped
end
local function dropOldest(maxLength, dropped, groupFormat)
  local length = redis.call('XLEN', stream)
  if length < maxLength + 100 then return end
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(length - maxLength, 1000) + 1)
  local keep = oldest[#oldest][1]
  for _, info in ipairs(groupInfos(stream)) do
    local lost = countUnread(oldest, #oldest - 1, info['last-delivered-id'])
    if info.pending > 0 then lost = lost + dropPending(info.name, keep, groupFormat) end
    if lost > 0 then redis.call('HINCRBY', dropped, info.name, lost) end
  end
  redis.call('XTRIM', stream, 'MINID', '=', keep)
end
`
