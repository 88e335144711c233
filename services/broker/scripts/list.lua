-- Adds a latent to a listing, and drops what is older than any latent can be.
-- KEYS: 1 listing
-- ARGV: 1 member, 2 what sorts behind every member to drop, 3 how long the listing stays (ms)
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('ZREMRANGEBYLEX', KEYS[1], '-', '(' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
