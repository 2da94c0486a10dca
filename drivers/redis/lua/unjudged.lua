--[[
  What changed of a workspace since the judge looked at it, in the order in which it was counted; part of apply (ADR 0040).

  value  stamp|changes by ';': of use <ms>[,field=what it held before]…, of facts *<ms> (put-facts.lua). The first needs no
         fields: what was held before all of them is what the last look saw. Use of about the time of the change before it is
         one with it; where they take more than TEXT_MAX bytes those neighbours become one that are nearest in time.
]]
local TEXT_MAX = 600

-- newest: the last change. older: those before it. is_told: fields are named, so that what changes next has to name its own.
local function read_unjudged(value)
  local text = string.match(value or '', '|(.*)$') or ''
  local at = tonumber(text)
  if text == '' or at then return { older = '', newest = text, at = at } end
  local older, newest = string.match(text, '^(.*;)(.*)$')
  newest = newest or text
  return { older = older or '', newest = newest, at = tonumber(string.match(newest, '^%d+')), is_told = true }
end

local function held(u, kind, field)
  if kind[4] > 0 then return string.format('%.0f', redis.call('SCARD', KEYS[kind[4]])) end
  if field == kind[2] then return string.format('%.0f', level_of(u, field)) end
  local split = splits[field]
  if split then return string.format('%.0f/%.0f', split[1], split[2]) end
  return (string.gsub(split == nil and redis.call('HGET', u, field) or '', '|', '/'))
end

local function names(change, field) return string.find(change, ',' .. field .. '=', 1, true) end

local function nearest_in_time(changes)
  local nearest, least = nil, math.huge
  for i = 2, #changes do
    local one, other = tonumber(string.match(changes[i - 1], '^%d+')), tonumber(string.match(changes[i], '^%d+'))
    if one and other and math.abs(other - one) < least then nearest, least = i, math.abs(other - one) end
  end
  return nearest
end

local function merge_changes(text)
  if #text <= TEXT_MAX then return text end
  local changes, size = {}, #text
  for change in string.gmatch(text, '[^;]+') do changes[#changes + 1] = change end
  local second = nearest_in_time(changes)
  while second do
    local merged = changes[second - 1]
    for field, before in string.gmatch(second > 2 and changes[second] or '', ',([^=]+)=([^,]*)') do
      if not names(merged, field) then merged = string.format('%s,%s=%s', merged, field, before) end
    end
    size = size - #changes[second - 1] - #changes[second] + #merged - 1
    changes[second - 1] = merged
    table.remove(changes, second)
    second = size > TEXT_MAX / 2 and nearest_in_time(changes)
  end
  return table.concat(changes, ';')
end

-- Notes what a change is about to alter, where it may be of another time than what came before it.
local function note_change(list, u, kind, appended, near)
  if not list.at or math.abs(appended - list.at) > near then
    list.older, list.newest = merge_changes(list.older .. list.newest) .. ';', string.format('%.0f', appended)
    list.at, list.is_told = appended, true
  end
  for i = 2, kind[4] == 0 and string.find(kind[3], ':b', -2, true) and 3 or 2 do
    if not names(list.newest, kind[i]) then list.newest = string.format('%s,%s=%s', list.newest, kind[i], held(u, kind, kind[i])) end
  end
end
