-- Lets a committed latent live on. Returns its record, or nothing when there is no such latent.
-- KEYS: 1 record, 2 frames, 3 receipts
-- ARGV: 1 now_ms, 2 expires_ms, 3 how long the frames outlast that (ms), 4 the record (ms)
local state, expires_ms = unpack(redis.call('HMGET', KEYS[1], 'state', 'expires_ms'))
if state == 'committed' and tonumber(ARGV[1]) < tonumber(expires_ms)
  and tonumber(ARGV[2]) > tonumber(expires_ms) then
  redis.call('HSET', KEYS[1], 'expires_ms', ARGV[2])
  redis.call('PEXPIREAT', KEYS[2], ARGV[2] + ARGV[3])
  redis.call('PEXPIREAT', KEYS[1], ARGV[2] + ARGV[4])
  redis.call('PEXPIREAT', KEYS[3], ARGV[2] + ARGV[4])
end
return redis.call('HGETALL', KEYS[1])
