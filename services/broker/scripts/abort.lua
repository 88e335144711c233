-- Closes an open latent without a commit, frees its frames and tells its readers.
-- Returns {1 when closed now else 0, record}.
-- KEYS: 1 record, 2 frames
-- ARGV: 1 only if its lease ends at this ms, '' for any, 2 when the frames' key goes (ms),
--       3 what the publisher said; none when it was abandoned
local state, lease_until_ms = unpack(redis.call('HMGET', KEYS[1], 'state', 'lease_until_ms'))
local closes = state == 'open' and (ARGV[1] == '' or ARGV[1] == lease_until_ms)

if closes then
  -- Freeing comes first: a full server takes the writes behind it too.
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[1], 'state', 'aborted')
  if ARGV[3] then redis.call('HSET', KEYS[1], 'problem', ARGV[3]) end
  redis.call('XADD', KEYS[2], '3-0', 'ended', 1)
  redis.call('PEXPIREAT', KEYS[2], ARGV[2])
end
return {closes and 1 or 0, redis.call('HGETALL', KEYS[1])}
