--[[
  Adds the ids of a slice to their sets and says which of them were new; part of apply.

  sizes   how many ids go into each set, the sets in KEYS after `place`
  ids     the ids, set by set, those of one set in the order of their events   owners  the event of each id, by number

  A few ids are added one by one: each answer says whether it was new. Many are asked for first and added at once; where
  fewer were added than were missing, copies of one event stand in the slice itself, and the first of them is the new one.
]]
local FEW = 2

local function mark_new(fresh, known, added, ids, owners, first)
  local missing, seen = 0, {}
  for i = 1, #known do missing = missing + 1 - known[i] end
  for i = 1, #known do
    local id = ids[first + i - 1]
    fresh[owners[first + i - 1]] = known[i] == 0 and not seen[id]
    if added < missing then seen[id] = true end
  end
end

local function add_ids(place, sizes, ids, owners)
  local fresh, first = {}, 1
  for g, size in ipairs(sizes) do
    local key, last = KEYS[place + g], first + size - 1
    if size <= FEW then
      for i = first, last do fresh[owners[i]] = redis.call('SADD', key, ids[i]) == 1 end
    else
      local known = redis.call('SMISMEMBER', key, unpack(ids, first, last))
      mark_new(fresh, known, redis.call('SADD', key, unpack(ids, first, last)), ids, owners, first)
    end
    first = last + 1
  end
  return fresh
end
