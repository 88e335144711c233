-- Makes a latent with its whole stream, committed. Returns its record, or nothing when it is there.
-- KEYS: 1 record, 2 frames
-- ARGV: 1 manifest, 2 flow, 3 created_ms, 4 expires_ms, 5 lease_until_ms, 6 when the record goes
--       (ms), 7 when the frames go (ms), 8 bytes of its payloads, 9 frames, then for each frame: it
--       as serialised, bytes of its payload; then name and value of what else the commit says
if redis.call('EXISTS', KEYS[1]) == 1 then return false end

local payload_bytes, frames = ARGV[8], tonumber(ARGV[9])
local rest = 10 + 2 * frames
redis.call('HSET', KEYS[1], 'manifest', ARGV[1], 'flow', ARGV[2], 'created_ms', ARGV[3],
  'expires_ms', ARGV[4], 'lease_until_ms', ARGV[5], 'state', 'committed',
  'frames', frames, 'payload_bytes', payload_bytes, unpack(ARGV, rest))
redis.call('PEXPIREAT', KEYS[1], ARGV[6])
for index = 0, frames - 1 do
  redis.call('XADD', KEYS[2], '1-' .. index,
    'frame', ARGV[10 + 2 * index], 'bytes', ARGV[11 + 2 * index])
end
redis.call('XADD', KEYS[2], '2-0',
  'frames', frames, 'payload_bytes', payload_bytes, unpack(ARGV, rest))
redis.call('PEXPIREAT', KEYS[2], ARGV[7])
return redis.call('HGETALL', KEYS[1])
