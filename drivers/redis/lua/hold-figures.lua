--[[
  What a hold compares with limits, and what it opens; part of hold.

  meter  ['level', name] | ['sum', name, fields of the window's days, split field or '', startsAt] | ['distinct', name, set]
  item   [group, meter, quantity, subject, member set, ...]
]]
-- The revision, then of each meter what is held and what was used; a meter notes where its values begin.
local function read_usage(u, groups)
  local fields = { 'rev' }
  for _, group in ipairs(groups) do
    for _, meter in ipairs(group[4]) do
      meter.place = #fields + 1
      fields[meter.place] = 'h:' .. meter[2]
      if meter[1] == 'level' then fields[meter.place + 1] = meter[2] end
      if meter[1] == 'sum' then
        for i, day in ipairs(meter[3]) do fields[meter.place + i] = day end
        if meter[4] ~= '' then fields[#fields + 1] = meter[4] end
      end
    end
  end
  return get_fields(u, fields)
end

local function used_of(meter, values)
  local place, used = meter.place, 0
  if meter[1] == 'distinct' then return redis.call('SCARD', KEYS[meter[3]]) end
  if meter[1] == 'level' then return math.max(tonumber(values[place + 1] or '0'), 0) end
  for i = 1, #meter[3] do used = used + tonumber(values[place + i] or '0') end
  if meter[4] ~= '' and #meter[3] > 0 then
    local starts, before = string.match(values[place + #meter[3] + 1] or '', '^(%d+)|(%-?%d+)$')
    if tonumber(starts) == meter[5] then used = used - tonumber(before) end
  end
  return math.max(used, 0)
end

local function used_and_held(group, values)
  local used, held = 0, 0
  for _, meter in ipairs(group[4]) do
    used, held = used + used_of(meter, values), held + tonumber(values[meter.place] or '0')
  end
  return used, held
end

-- Why a resource costs nothing: m it is a member, h another operation holds it; else ''.
local function why_free(o, item)
  if item[4] == '' then return '' end
  if redis.call('SISMEMBER', KEYS[item[5]], item[4]) == 1 then return 'm' end
  return redis.call('HEXISTS', o, '~' .. item[2] .. '~' .. item[4]) == 1 and 'h' or ''
end

-- Says of each item how much of it fits, one after the other (quantity), and what that holds (n); how many fit.
local function admit(o, groups, items, room, is_partial)
  local fitting, named = 0, {}
  for _, item in ipairs(items) do
    local g, mark, cost = item[1], item[2] .. '~' .. item[4], item[3]
    item.free = why_free(o, item)
    local is_free = item.counted or item.free ~= '' or named[mark]
    if is_free then cost = 0
    elseif is_partial and item[4] == '' then cost = math.max(math.min(cost, room[g]), 0) end
    local fits = cost <= room[g] and cost > 0 or cost == 0 and (item[3] == 0 or is_free)
    fits = fits and (groups[g][3] ~= '1' or item.counted)
    item.quantity = fits and (cost > 0 and cost or item[3]) or 0
    item.n = item.counted and 0 or item.quantity
    if fits then
      fitting, room[g] = fitting + 1, room[g] - cost
      if item[4] ~= '' then named[mark] = true end
    end
  end
  return fitting
end

-- Opens the hold of an item: n units held, quantity of its event.
local function open_item(u, o, field, item, kind, time)
  local n, meter, subject = item.n, item[2], item[4]
  redis.call('HSET', o, field, item_line(kind, n, item.quantity, time, meter, subject))
  if subject == '' then add_held(u, meter, n) elseif n > 0 then change_mark(u, o, meter, subject, 1, item.free == 'm') end
end
