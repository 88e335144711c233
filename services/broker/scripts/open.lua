-- Makes a latent, or renews the lease of one that is still open. Returns its record either way.
-- KEYS: 1 record, 2 frames
-- ARGV: 1 now_ms, 2 manifest, 3 flow, 4 created_ms, 5 expires_ms, 6 lease_until_ms,
--       7 when the record goes (ms), 8 when the frames go unless more come (ms)
local manifest, state, expires_ms, lease_until_ms = unpack(
  redis.call('HMGET', KEYS[1], 'manifest', 'state', 'expires_ms', 'lease_until_ms'))
local now_ms = tonumber(ARGV[1])

if not manifest then
  redis.call('HSET', KEYS[1], 'manifest', ARGV[2], 'flow', ARGV[3], 'created_ms', ARGV[4],
    'expires_ms', ARGV[5], 'lease_until_ms', ARGV[6],
    'state', 'open', 'frames', 0, 'payload_bytes', 0)
  redis.call('PEXPIREAT', KEYS[1], ARGV[7])
elseif manifest == ARGV[2] and state == 'open'
  and now_ms < tonumber(expires_ms) and now_ms <= tonumber(lease_until_ms) then
  redis.call('HSET', KEYS[1], 'lease_until_ms', ARGV[6])
  redis.call('PEXPIREAT', KEYS[2], ARGV[8])
end
return redis.call('HGETALL', KEYS[1])
