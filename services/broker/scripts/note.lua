-- Notes one use of a latent, once. Returns 1, 0 when it was revoked before, or -1 when there is no
-- such latent. Of more than are kept the oldest goes.
-- KEYS: 1 record, 2 receipts
-- ARGV: 1 the use, 2 now_ms, 3 uses kept
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return -1 end
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 1 end
if state == 'revoked' then return 0 end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[3]))
redis.call('PEXPIREAT', KEYS[2], redis.call('PEXPIRETIME', KEYS[1]))
return 1
