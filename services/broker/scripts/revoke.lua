-- Withdraws a latent in whatever state, frees its frames and tells its readers.
-- Returns 1, or 0 when there is no such latent.
-- KEYS: 1 record, 2 frames
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end

-- Freeing comes first: a full server takes the writes behind it too.
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[1], 'state', 'revoked')
redis.call('XADD', KEYS[2], '3-0', 'ended', 1)
redis.call('PEXPIREAT', KEYS[2], redis.call('HGET', KEYS[1], 'expires_ms'))
return 1
