-- Notes one use of a latent, once. Returns 1, 0 when there are as many as are kept, or -1 when there
-- is no such latent.
-- KEYS: 1 record, 2 receipts
-- ARGV: 1 the use, 2 now_ms, 3 uses kept
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 1 end
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIREAT', KEYS[2], redis.call('PEXPIRETIME', KEYS[1]))
return 1
