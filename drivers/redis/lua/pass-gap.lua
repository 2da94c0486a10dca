#!lua
--[[
  Lets a shard go on after records that the log no longer has, and keeps that their use may be missing.

  KEYS[1] m   ARGV[1] inc   ARGV[2] tp   ARGV[3] last offset that is gone

  Mark and watermark move in one call: where Redis forgets one of them it forgets the other, and the gap is met again.
  m.half counts calls begun and not ended: other than m.born where Redis kept half a call (ADR 0009)
  Reply  'PASSED' all of it was counted before | 'MARKED' use is missing from now on: m.lb:<tp> | 'INC' another life, or half a call
]]
local m, tp, gone = KEYS[1], ARGV[2], tonumber(ARGV[3])
local state = redis.call('HMGET', m, 'inc', 'half', 'born', 'wm:' .. tp, 'base:' .. tp)
if state[1] ~= ARGV[1] or (state[2] or '0') ~= (state[3] or '0') then return 'INC' end
local wm = tonumber(state[4] or '-1')
if wm >= gone then return 'PASSED' end
local is_missing = math.max(wm, tonumber(state[5] or '-1')) < gone
redis.call('HINCRBY', m, 'half', 1)
redis.call('HSET', m, 'wm:' .. tp, ARGV[3])
if is_missing then redis.call('HSET', m, 'lb:' .. tp, '1') end
redis.call('HINCRBY', m, 'half', -1)
return is_missing and 'MARKED' or 'PASSED'
