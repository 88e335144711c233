-- Adds an announcement to a flow, and drops the oldest beyond about as many as are kept.
-- KEYS: 1 announced
-- ARGV: 1 announcements kept, 2 how long the flow stays (ms), then the announcement's fields
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
