-- Adds a latent to a listing, or moves when it goes, and drops some that have expired.
-- KEYS: 1 listing, 2 its members by when they expire
-- ARGV: 1 member, 2 when it expires (ms), 3 now_ms, 4 how long the listing stays (ms)
local AT_ONCE = 100
local expired = redis.call('ZRANGE', KEYS[2], '-inf', ARGV[3], 'BYSCORE', 'LIMIT', 0, AT_ONCE)
if #expired > 0 then
  -- Freeing comes first: a full server takes the writes behind it too.
  redis.call('ZREM', KEYS[1], unpack(expired))
  redis.call('ZREM', KEYS[2], unpack(expired))
end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
for key = 1, 2 do redis.call('PEXPIRE', KEYS[key], ARGV[4]) end
return 1
