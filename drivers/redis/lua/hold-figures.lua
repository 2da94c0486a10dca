--[[
  What a hold compares with limits; part of hold.

  meter  {'level', name} | {'sum', name, fields of the window's days, split field or '', startsAt} | {'distinct', name, set}
  item   {group, meter, quantity, subject, member set, ...}
]]
local function used_of(u, meter)
  if meter[1] == 'distinct' then return redis.call('SCARD', KEYS[meter[3]]) end
  if meter[1] == 'level' then return math.max(tonumber(redis.call('HGET', u, meter[2]) or '0'), 0) end
  if #meter[3] == 0 then return 0 end
  local used = 0
  for _, value in ipairs(redis.call('HMGET', u, unpack(meter[3]))) do used = used + tonumber(value or '0') end
  if meter[4] ~= '' then
    local starts, before = string.match(redis.call('HGET', u, meter[4]) or '', '^(%d+)|(%-?%d+)$')
    if tonumber(starts) == meter[5] then used = used - tonumber(before) end
  end
  return math.max(used, 0)
end

-- Why a resource costs nothing: m it is a member, h another operation holds it; else ''.
local function why_free(o, item)
  if item[4] == '' then return '' end
  if redis.call('SISMEMBER', KEYS[item[5]], item[4]) == 1 then return 'm' end
  return redis.call('HEXISTS', o, '~' .. item[2] .. '~' .. item[4]) == 1 and 'h' or ''
end

-- Says of each item how much of it fits, one after the other (quantity), and what that holds (n); how many fit.
local function admit(o, asked, room, is_partial)
  local fitting, named = 0, {}
  for _, item in ipairs(asked[2]) do
    local g, mark, cost = item[1], item[2] .. '~' .. item[4], item[3]
    item.free = why_free(o, item)
    if item.counted or item.free ~= '' or named[mark] then cost = 0
    elseif is_partial and item[4] == '' then cost = math.max(math.min(cost, room[g]), 0) end
    local fits = cost <= room[g] and cost > 0 or cost == 0 and (item[3] == 0 or item.counted or item.free ~= '' or named[mark])
    fits = fits and (asked[1][g][3] ~= '1' or item.counted)
    item.quantity = fits and (cost > 0 and cost or item[3]) or 0
    item.n = (item.counted or item.free == 'm') and 0 or item.quantity
    if fits then
      fitting, room[g] = fitting + 1, room[g] - cost
      if item[4] ~= '' then named[mark] = true end
    end
  end
  return fitting
end
