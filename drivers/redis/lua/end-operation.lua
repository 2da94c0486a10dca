--[[
  Ends all holds of an operation that nobody resolved otherwise; part of commit, release and sweep.

  keys  m, u, o, a, due   args  <ws>/<op>, op   known  its lines   state  what it is from then on, nil = as it was
]]
local function end_operation(keys, args, known, state)
  for i = 0, tonumber(known.k) - 1 do close_item(keys[2], keys[3], args[2] .. '~' .. i) end
  redis.call('ZREM', keys[5], args[1])
  if not state then return end
  known.st = state
  save_operation(keys[4], known, 'KEEPTTL')
end
