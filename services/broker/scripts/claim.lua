-- Gives a member what its group has left unacknowledged, but for what was given often enough: that
-- stays its consumer's with its count, idle from now on. (XAUTOCLAIM asks nobody's count.)
-- Returns {how many were looked at, entries given, {entry, consumer, idle ms, deliveries} for each
-- that stays}.
-- KEYS: 1 announced
-- ARGV: 1 group, 2 consumer, 3 how long idle (ms), 4 how many to look at,
--       5 how often each may be given
local idle = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], '-', '+', ARGV[4])
local given, staying = {}, {}
for _, pending in ipairs(idle) do
  local id, consumer, idle_ms, deliveries = unpack(pending)
  -- No entry when it was trimmed, which also ends its pending.
  if deliveries < tonumber(ARGV[5]) then
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id)[1]
    if entry then table.insert(given, entry) end
  else
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], consumer, 0, id,
      'RETRYCOUNT', deliveries)[1]
    if entry then table.insert(staying, {entry, consumer, idle_ms, deliveries}) end
  end
end
return {#idle, given, staying}
