#!lua
--[[
  Keeps the answer of an operation; the first one stays.

  KEYS[1] a   ARGV[1] fingerprint   ARGV[2] answer

  Reply  the answer that is kept, or '' when the operation is not known (any more)
]]
local known = load_operation(KEYS[1])
if not known or known.fp ~= ARGV[1] then return '' end
if known.ans == '' then
  known.ans = ARGV[2]
  save_operation(KEYS[1], known, 'KEEPTTL')
end
return known.ans
