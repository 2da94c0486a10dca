--[[
  What changed of a workspace since the judge looked at it, in the order in which it was counted; part of apply (ADR 0040).

  value  stamp|changes by ';': of use <ms>[,field=what it held before]…, of facts *<ms> (put-facts.lua). The first needs no
         fields: what was held before all of them is what the last look saw. Use of about the time of the change before it is
         one with it; of more than CHANGES_MAX changes of use the two neighbours that are nearest in time become one.
]]
local CHANGES_MAX = 16

-- is_told: fields are named, so that whatever changes next has to name its own.
local function read_unjudged(value)
  local text = string.match(value or '', '|(.*)$') or ''
  local at = tonumber(text)
  if text == '' or at then return { text = text, at = at } end
  local newest = string.match(text, '.*;(.*)$') or text
  return { text = text, newest = newest, at = tonumber(string.match(newest, '^%d+')), is_told = true }
end

local function held(u, kind, field)
  if kind[4] > 0 then return string.format('%.0f', redis.call('SCARD', KEYS[kind[4]])) end
  if field == kind[2] then return string.format('%.0f', level_of(u, field)) end
  local split = splits[field]
  if split then return string.format('%.0f/%.0f', split[1], split[2]) end
  return (string.gsub(split == nil and redis.call('HGET', u, field) or '', '|', '/'))
end

local function fields_of(change)
  local named = {}
  for field in string.gmatch(change, ',([^=]+)=') do named[field] = true end
  return named
end

local function parse_changes(list)
  list.changes = {}
  for change in string.gmatch(list.text, '[^;]+') do list.changes[#list.changes + 1] = change end
  list.named = fields_of(list.changes[#list.changes] or '')
end

local function merge_nearest(changes)
  local nearest, least = nil, math.huge
  for i = 2, #changes do
    local one, other = tonumber(string.match(changes[i - 1], '^%d+')), tonumber(string.match(changes[i], '^%d+'))
    if one and other and math.abs(other - one) < least then nearest, least = i, math.abs(other - one) end
  end
  if not nearest then return end
  local merged, named = changes[nearest - 1], fields_of(changes[nearest - 1])
  for field, before in string.gmatch(nearest > 2 and changes[nearest] or '', ',([^=]+)=([^,]*)') do
    if not named[field] then merged = string.format('%s,%s=%s', merged, field, before) end
  end
  changes[nearest - 1] = merged
  table.remove(changes, nearest)
end

local function is_named(list, field)
  return list.newest and string.find(list.newest, ',' .. field .. '=', 1, true)
end

-- Notes what a change is about to alter, where it may be of another time than what came before it.
local function note_change(list, u, kind, appended, near)
  local is_other = not list.at or math.abs(appended - list.at) > near
  local has_split = kind[4] == 0 and string.find(kind[3], ':b', -2, true)
  if not list.changes then
    if not is_other and is_named(list, kind[2]) and (not has_split or is_named(list, kind[3])) then return end
    parse_changes(list)
  end
  local changes = list.changes
  if is_other then
    if #changes >= CHANGES_MAX then merge_nearest(changes) end
    changes[#changes + 1], list.named = string.format('%.0f', appended), {}
    list.at, list.is_told = appended, true
  end
  for i = 2, has_split and 3 or 2 do
    if not list.named[kind[i]] then
      list.named[kind[i]] = true
      changes[#changes] = string.format('%s,%s=%s', changes[#changes], kind[i], held(u, kind, kind[i]))
    end
  end
end

local function unjudged_text(list) return list.changes and table.concat(list.changes, ';') or list.text end
