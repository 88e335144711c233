-- Gives a member again what it has not acknowledged, but for what was given often enough.
-- Returns {id of the last one looked at, entries given}, or nothing when there is none to look at.
-- KEYS: 1 announced
-- ARGV: 1 group, 2 consumer, 3 id behind which to begin, 4 how many to look at,
--       5 how often each may be given
local last, given = false, {}
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1],
    '(' .. ARGV[3], '+', ARGV[4], ARGV[2])) do
  last = pending[1]
  if pending[4] < tonumber(ARGV[5]) then
    -- No entry when it was trimmed, which also ends its pending.
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, last)[1]
    if entry then table.insert(given, entry) end
  end
end
return last and {last, given}
