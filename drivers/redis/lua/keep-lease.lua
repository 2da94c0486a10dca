#!lua
--[[
  Keeps a lease for longer, or gives it back; the lease of somebody else stays as it is.

  KEYS[1] lease   ARGV[1] who holds it   ARGV[2] ms from now, or '0' = give it back

  Reply  'OK' | 'LOST' somebody else has it, or nobody
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'LOST' end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) return 'OK' end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'OK'
