-- Stores frames in order if they are the next of an open latent and within its limit, and renews
-- the lease. A frame that is stored already, byte for byte, is passed over.
-- Returns {1}, or at the first frame refused {0, its place, record, whether its index is taken}.
-- KEYS: 1 record, 2 frames
-- ARGV: 1 now_ms, 2 limit of payload bytes, 3 lease_until_ms, 4 when the frames go unless more
--       come (ms), then for each frame: its index, it as serialised, bytes of its payload
local state, frames, payload_bytes, expires_ms, lease_until_ms = unpack(redis.call('HMGET', KEYS[1],
  'state', 'frames', 'payload_bytes', 'expires_ms', 'lease_until_ms'))
local now_ms = tonumber(ARGV[1])
local open = state == 'open'
  and now_ms < tonumber(expires_ms) and now_ms <= tonumber(lease_until_ms)

for at = 5, #ARGV, 3 do
  local index, frame, bytes = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local id = '1-' .. index
  if open and tonumber(index) == tonumber(frames)
    and payload_bytes + bytes <= tonumber(ARGV[2]) then
    redis.call('XADD', KEYS[2], id, 'frame', frame, 'bytes', bytes)
    redis.call('PEXPIREAT', KEYS[2], ARGV[4])
    redis.call('HSET', KEYS[1], 'lease_until_ms', ARGV[3])
    frames = redis.call('HINCRBY', KEYS[1], 'frames', 1)
    payload_bytes = redis.call('HINCRBY', KEYS[1], 'payload_bytes', bytes)
  else
    local there = redis.call('XRANGE', KEYS[2], id, id)[1]
    if not there or there[2][2] ~= frame then
      return {0, (at - 5) / 3, redis.call('HGETALL', KEYS[1]), there and 1 or 0}
    end
  end
end
return {1}
