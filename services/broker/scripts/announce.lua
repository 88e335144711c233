-- Adds a latent to a flow, and drops the oldest announcements beyond about as many as are kept.
-- KEYS: 1 announced
-- ARGV: 1 latent id, 2 announcements kept, 3 how long the flow stays (ms)
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'latent', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
