import { LIMIT_FIELD } from '../../define/controls.ts'
import { script } from '../script.ts'

/** How far ahead starts are granted, apart from the first one of a call: so that no consumer takes them all. */
const AHEAD_US = 100_000
/** How long the span of a grant is at least, as a share of the time for which a start counts. */
const LEAST_SLACK = 0.05
/** Spans are not longer than this: the first grant of a call begins two windows ahead at most, and ends four later. */
const MOST_SLACK = 4
/** By so much of a time, the clocks of Redis and of a consumer may run apart in that time. */
const DRIFT = 0.002

/** How long a consumer that has not seen the limit yet waits until it asks again. */
const UNSEEN_US = 100_000

/**
 * Grants handler starts, so that no second has more of them than the limit of the group. A grant is a span of time:
 * the start may come at its beginning, at its end, or between. So a start counts for a second from the end of its
 * span, and the next ones keep that distance. The first grant of a call may lie further ahead than the others: a batch,
 * which needs many starts at the same time, would otherwise never get them beside single deliveries.
 *
 * `size`: handler starts in one grant.   `want`: how many grants.   `slackUs`: how long their spans are at least.
 * Returns { 1 if there is a limit or 0, µs until it makes sense to ask for more, length of the spans in µs, µs until each
 * grant begins… }.
 */
export const TAKE_STARTS = script(
  { keys: ['controls', 'starts'], args: ['size', 'want', 'slackUs'], allowOom: true },
  `
local limit = tonumber(redis.call('HGET', controls, '${LIMIT_FIELD}') or '')
if not limit then return { 0, 0, 0 } end
local most = math.max(1, limit)
local windowUs = math.max(1, 1 / limit) * ${(1 + DRIFT) * 1e6}
size, want = tonumber(size), tonumber(want)
-- The limit was lowered a moment ago. The consumer learns of it, and asks for less.
if size > most then return { 1, ${UNSEEN_US}, 0 } end
slackUs = math.ceil(math.min(math.max(tonumber(slackUs), windowUs * ${LEAST_SLACK}), windowUs * ${MOST_SLACK}))
local time = redis.call('TIME')
local nowUs = time[1] * 1e6 + time[2]
local function score(us) return string.format('%.0f', us) end

redis.call('ZREMRANGEBYSCORE', starts, '-inf', score(nowUs - windowUs))
-- What is further ahead than any grant is from before the clock was set back.
redis.call('ZREMRANGEBYSCORE', starts, '(' .. score(nowUs + ${MOST_SLACK + 3} * windowUs), '+inf')
local count = redis.call('ZCARD', starts)
-- The ends never go back, so the last one is also the one that was granted last.
local newest = redis.call('ZRANGE', starts, -1, -1, 'WITHSCORES')
local lastUs = newest[1] and tonumber(string.match(newest[1], '^%d+')) or 0
local lastEndUs = tonumber(newest[2] or 0)

-- The earliest time at which so many may start at once: evenly spread, and not too many within a second.
local function earliest()
  local at = math.max(nowUs, lastUs + 1e6 / limit)
  local excess = count + size - most
  if excess <= 0 then return at end
  return math.max(at, redis.call('ZRANGE', starts, excess - 1, excess - 1, 'WITHSCORES')[2] + windowUs)
end

local grants = {}
local at = math.ceil(earliest())
while #grants < want and at <= nowUs + (#grants == 0 and 2 * windowUs or ${AHEAD_US}) do
  lastUs, lastEndUs = at, math.max(lastEndUs, at + slackUs)
  for i = 1, size do
    redis.call('ZADD', starts, score(lastEndUs), score(at) .. '-' .. i)
  end
  grants[#grants + 1] = at - nowUs
  count = count + size
  at = math.ceil(earliest())
end
redis.call('PEXPIRE', starts, math.ceil(${MOST_SLACK + 4} * windowUs / 1000))
local waitUs = at - nowUs - (#grants > 0 and ${AHEAD_US} or 2 * windowUs)
return { 1, math.max(0, waitUs), slackUs, unpack(grants) }
`,
)
