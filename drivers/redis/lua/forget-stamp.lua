#!lua
--[[
  Takes a workspace off a to-do hash (`judge`, `dirty`) if it was not touched since it was read.

  KEYS[1] hash   ARGV[1] workspace   ARGV[2] value as it was read

  Reply  'OK' | 'TOUCHED' it stays
]]
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 'TOUCHED' end
redis.call('HDEL', KEYS[1], ARGV[1])
return 'OK'
