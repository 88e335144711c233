-- What a flow keeps and how far its groups are: {announcements, its groups as XINFO has them}.
-- Nothing when there is no such flow.
-- KEYS: 1 announced
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
return {redis.call('XLEN', KEYS[1]), redis.call('XINFO', 'GROUPS', KEYS[1])}
