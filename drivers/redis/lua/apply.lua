#!lua
--[[
  Applies the usage events of one shard in (known, upto] of one partition: every event once, or nothing.

  KEYS[1] m      incarnation, watermarks, readiness     KEYS[2] b      dedupe bucket -> latest append time of an id in it
  KEYS[3] dirty  workspace -> stamp, for snapshots      KEYS[4] judge  workspace -> what changed: unjudged.lua
  KEYS[5..]      usage hash of each workspace, then the id sets, then what is named by its place here: member sets, holds
  ARGV  1 inc  2 tp  3 known watermark  4 upto  5 at: append time of upto, ms  6 seen: ms the end was verified, or ''
        7 nonce: makes stamps of one microsecond differ  8 msgpack, the events grouped by workspace, in order within each:
        {workspaces, how many events each has, events: number = offset - first, append time - first's, number of changes, and the
         changes, each kind, value, time; kinds: counter-changes.lua; sizes, ids, numbers of their events: add-ids.lua; an event
         without an id is void: it was set aside, settles and counts nothing; buckets of the ids; place of each workspace's
         thresholds if m.th; number, reservation of the events that name one: settle.lua; offset, append time of the first}
  m.half counts calls begun and not ended: other than m.born where Redis kept half a call (ADR 0009)
  Reply  {'INC'} another life, or half a call | {'REGRESSED', wm} Redis went back: both write nothing | {'OLD', wm} applied before:
         writes readiness and `seen` alone | {'OK', wm, cat, counted, duplicates, drifts: {offset, field, counted, stated} of each,
         1 = the shard was ready before}   OLD, too, says cat: the catalogue revision in force, by which its sender must measure
]]
local m, tp, known, upto = KEYS[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', m, 'inc', 'wm:' .. tp, 'ready', 'base:' .. tp, 'th', 'half', 'born', 'target:' .. tp, 'cat')
if state[1] ~= ARGV[1] or (state[6] or '0') ~= (state[7] or '0') then return { 'INC' } end
local wm, base = tonumber(state[2] or '-1'), tonumber(state[4] or '-1')
if wm < known then return { 'REGRESSED', string.format('%.0f', wm) } end

local function is_behind(reached, target, counted) return reached < math.max(target, counted) end

local function finish(reached)
  if ARGV[6] ~= '' then redis.call('HSET', m, 'seen:' .. tp, ARGV[6]) end
  if state[3] or is_behind(reached, tonumber(state[8] or '-1'), base) then return end
  local all, at = redis.call('HGETALL', m), {}
  for i = 1, #all, 2 do at[all[i]] = tonumber(all[i + 1]) end
  for field, target in pairs(at) do
    local part = string.match(field, '^target:(%d+)$')
    if part and is_behind(at['wm:' .. part] or -1, target, at['base:' .. part] or -1) then return end
  end
  redis.call('HSET', m, 'ready', '1')
end

if upto <= wm then finish(wm) return { 'OLD', string.format('%.0f', wm), state[9] or '0' } end
local now, at, slice = redis.call('TIME'), tonumber(ARGV[5]), ARGV[8] ~= '' and cmsgpack.unpack(ARGV[8]) or {}
local names, events, kinds, ids, reservations = slice[1] or {}, slice[3], slice[4], slice[6] or {}, {}
local keys = 4 + #names + #(slice[5] or {})
if #KEYS < keys or #ids ~= #(slice[7] or {}) or state[5] and #names > #(slice[9] or {}) then return redis.error_reply('BADEVENT') end
for i = 1, #(slice[10] or {}), 2 do reservations[slice[10][i]] = slice[10][i + 1] end
local stamp = string.format('%s%06d.%s', now[1], tonumber(now[2]), ARGV[7])
local touched, judge, counted, duplicates, place = {}, {}, 0, 0, 1
local near = math.max(1000, at > 0 and (now[1] * 1000 - at) / 10 or 0)

if #names > 0 then redis.call('HINCRBY', m, 'half', 1) end
local fresh = add_ids(4 + #names, slice[5] or {}, ids, slice[7])
local unjudged = #names > 0 and redis.call('HMGET', KEYS[4], unpack(names)) or {}
for w, name in ipairs(names) do
  local u, from, is_touched, list = KEYS[4 + w], base, false, read_unjudged(unjudged[w])
  if state[5] then from = math.max(from, tonumber(redis.call('HGET', KEYS[slice[9][w]], tp) or '-1')) end
  for _ = 1, slice[2][w] do
    local number, after = events[place], place + 3 + 3 * events[place + 2]
    local offset, appended = slice[11] + number, slice[12] + events[place + 1]
    if offset > wm then
      local is_void, is_new = fresh[number] == nil, fresh[number] ~= false
      if reservations[number] then settle(u, reservations[number], is_new) end
      if not is_new then duplicates = duplicates + 1
      elseif not is_void and offset > from then
        counted, is_touched = counted + 1, true
        for i = place + 3, after - 1, 3 do
          local kind = kinds[events[i]]
          if list.is_told or list.at and math.abs(appended - list.at) > near then note_change(list, u, kind, appended, near) end
          local may_raise = operations[kind[1]](u, kind, events[i + 1], events[i + 2], offset)
          if may_raise and list.newest == '' then list.newest, list.at = string.format('%.0f', appended), appended end
        end
      end
    end
    place = after
  end
  if is_touched then
    touched[#touched + 1], touched[#touched + 2] = name, stamp
    judge[#judge + 1], judge[#judge + 2] = name, stamp .. '|' .. list.older .. list.newest
    write_cells(u)
  end
end

for _, bucket in ipairs(slice[8] or {}) do
  local latest = math.max(tonumber(redis.call('HGET', KEYS[2], bucket) or '0'), at)
  redis.call('HSET', KEYS[2], bucket, string.format('%.0f', latest))
end
if #touched > 0 then
  redis.call('HSET', KEYS[3], unpack(touched))
  redis.call('HSET', KEYS[4], unpack(judge))
end
redis.call('HSET', m, 'wm:' .. tp, ARGV[4], 'at:' .. tp, ARGV[5])
finish(upto)
if #names > 0 then redis.call('HINCRBY', m, 'half', -1) end
return { 'OK', ARGV[4], state[9] or '0', counted, duplicates, drifts, state[3] and 1 or 0 }
