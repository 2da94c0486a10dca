#!lua
--[[
  Gives a reservation back, unless it was resolved otherwise.

  KEYS[1] m   KEYS[2] u   KEYS[3] o   KEYS[4] a   KEYS[5] due   ARGV[1] <ws>/<op>   ARGV[2] op

  Reply  OK also when it was released or has expired before | REBUILDING | UNKNOWN no such operation | RESOLVED
]]
if not is_usable(KEYS[1]) then return 'REBUILDING' end
local known = load_operation(KEYS[4])
if not known then return 'UNKNOWN' end
local state = known.st
if state == 'released' or state == 'expired' then return 'OK' end
if state ~= 'held' then return 'RESOLVED' end
redis.call('HINCRBY', KEYS[1], 'half', 1)
end_operation(KEYS, ARGV, known, 'released')
redis.call('HINCRBY', KEYS[1], 'half', -1)
return 'OK'
