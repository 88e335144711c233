-- Closes an open latent if the counts are those of its frames, and tells its readers.
-- Returns {1 when closed now else 0, record}.
-- KEYS: 1 record, 2 frames
-- ARGV: 1 frames, 2 payload_bytes, 3 now_ms, 4 how long the frames outlast the latent's expiry (ms),
--       then name and value of what else the commit says
local state, frames, payload_bytes, expires_ms, lease_until_ms = unpack(redis.call('HMGET', KEYS[1],
  'state', 'frames', 'payload_bytes', 'expires_ms', 'lease_until_ms'))
local now_ms = tonumber(ARGV[3])
local closes = state == 'open' and frames == ARGV[1] and payload_bytes == ARGV[2]
  and now_ms < tonumber(expires_ms) and now_ms <= tonumber(lease_until_ms)
  and redis.call('XLEN', KEYS[2]) == tonumber(ARGV[1])

if closes then
  redis.call('XADD', KEYS[2], '2-0',
    'frames', ARGV[1], 'payload_bytes', ARGV[2], unpack(ARGV, 5))
  redis.call('PEXPIREAT', KEYS[2], expires_ms + ARGV[4])
  redis.call('HSET', KEYS[1], 'state', 'committed', unpack(ARGV, 5))
end
return {closes and 1 or 0, redis.call('HGETALL', KEYS[1])}
