#!lua
--[[
  Gives a reservation back, unless it was resolved otherwise.

  KEYS[1] m   KEYS[2] u   KEYS[3] o   KEYS[4] a   KEYS[5] due   ARGV[1] <ws>/<op>   ARGV[2] op

  Reply  OK also when it was released or has expired before | REBUILDING | UNKNOWN no such operation | RESOLVED
]]
if not is_usable(KEYS[1]) then return 'REBUILDING' end
local state = redis.call('HGET', KEYS[4], 'st')
if not state then return 'UNKNOWN' end
if state == 'released' or state == 'expired' then return 'OK' end
if state ~= 'held' then return 'RESOLVED' end
redis.call('HINCRBY', KEYS[1], 'half', 1)
resolve_all(KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[4], 'st', 'released')
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
