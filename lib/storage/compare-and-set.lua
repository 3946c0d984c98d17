-- One group of steps, compared and set at one moment. redis-group.ts writes what this reads.
--
-- A step was run by the client over records as it knew them. It takes effect if every record that
-- it read is still so; else nothing of it does, and nothing of those steps after it that touch what
-- it touches: they run again, in their order. Each partition's part stands alone: an error in one
-- (a key of another type, no memory) changes nothing of that one and lets the others be.
--
-- KEYS: of each partition, its records (a hash) and their names in order (a sorted set); last, if
--   there is one key more: what to write when nothing else was, so that WAIT has something to wait
--   for and a server that is no primary any more finds out. If it cannot be, nothing is an answer.
-- ARGV, of each partition: how many names and how many changes; the steps, each `reads/changes;`
--   with reads as places among the names, separated by commas; the names; what each was known as
--   ('' if there is none, '?' if no step read it); the changes, each a place and a text ('' deletes).
-- Answers, of each partition: 1 if all took effect; else an error's text, or a list: how many steps
--   did not, which they are, then place and text of each record that was not as it was known.

-- Names that begin with '!' are the adapter's own: no scan finds them.
local OURS = 33

-- Arguments of one command: Lua's stack has an end.
local MOST = 4000

local cursor = 0
local function take()
  cursor = cursor + 1
  return ARGV[cursor]
end

-- The effect of the steps that may have one, the numbers of the others, and what was not as known.
local function sift(steps, names, known, current, changes)
  local stale, touched, final, failed, news = {}, {}, {}, {}, {}
  for place = 1, names do
    local expected = ARGV[known + place]
    if expected ~= '?' and expected ~= current[place] then stale[place] = true end
  end
  local number, at = 0, changes
  for reads, count in string.gmatch(steps, '([%d,]*)/(%d+);') do
    number = number + 1
    local places, good = {}, true
    for digits in string.gmatch(reads, '%d+') do
      local place = tonumber(digits)
      places[#places + 1] = place
      if stale[place] or touched[place] then good = false end
    end
    local last = at + 2 * tonumber(count)
    for each = at + 1, last, 2 do
      if touched[tonumber(ARGV[each])] then good = false end
    end
    for each = at + 1, last, 2 do
      local place = tonumber(ARGV[each])
      if good then
        final[place] = ARGV[each + 1]
        stale[place] = nil
      else
        touched[place] = true
      end
    end
    if not good then
      failed[#failed + 1] = number
      for _, place in ipairs(places) do touched[place] = true end
    end
    at = last
  end
  for place in pairs(stale) do
    news[#news + 1] = place
    news[#news + 1] = current[place]
  end
  return final, failed, news
end

local function call(command, key, list)
  for from = 1, #list, MOST do
    redis.call(command, key, unpack(list, from, math.min(from + MOST - 1, #list)))
  end
end

-- New names first: if memory has run out, the first of these fails and nothing has happened.
local function apply(records, index, names, current, final)
  local put, dropped, added, gone = {}, {}, {}, {}
  for place, text in pairs(final) do
    local name = ARGV[names + place]
    if text == '' then
      if current[place] ~= '' then
        dropped[#dropped + 1] = name
        gone[#gone + 1] = name
      end
    elseif text ~= current[place] then
      put[#put + 1] = name
      put[#put + 1] = text
      if current[place] == '' and string.byte(name) ~= OURS then
        added[#added + 1] = 0
        added[#added + 1] = name
      end
    end
  end
  call('ZADD', index, added)
  call('ZREM', index, gone)
  call('HSET', records, put)
  call('HDEL', records, dropped)
  return #put + #dropped > 0
end

local function part(records, index, count, steps, names, known, changes, last)
  local current = {}
  for from = 1, count, MOST do
    local to = math.min(from + MOST - 1, count)
    local found = redis.call('HMGET', records, unpack(ARGV, names + from, names + to))
    for place = from, to do current[place] = found[place - from + 1] or '' end
  end
  local asKnown = true
  for place = 1, count do
    local expected = ARGV[known + place]
    if expected ~= '?' and expected ~= current[place] then
      asKnown = false
      break
    end
  end
  if asKnown then
    local final = {}
    for each = changes + 1, last, 2 do final[tonumber(ARGV[each])] = ARGV[each + 1] end
    return apply(records, index, names, current, final), 1
  end
  local final, failed, news = sift(steps, count, known, current, changes)
  local answer = { #failed }
  for _, each in ipairs(failed) do answer[#answer + 1] = each end
  for _, each in ipairs(news) do answer[#answer + 1] = each end
  return apply(records, index, names, current, final), answer
end

-- Some 30 years: no key of ours goes by itself, and the next SET takes the limit away.
local FAR = 1000000000

-- A full memory takes no SET, but another limit for a key that is there: replicas get that too.
local function fence(key)
  local set = redis.pcall('SET', key, '1')
  if set.err and redis.pcall('EXPIRE', key, FAR) ~= 1 then return set.err end
end

local answers, hasWritten = {}, false
for at = 1, #KEYS - 1, 2 do
  local count, changeCount, steps = tonumber(take()), tonumber(take()), take()
  local names = cursor
  local known = names + count
  local changes = known + count
  local last = changes + 2 * changeCount
  cursor = last
  local ran, wrote, answer =
    pcall(part, KEYS[at], KEYS[at + 1], count, steps, names, known, changes, last)
  if ran then
    hasWritten = hasWritten or wrote
    answers[#answers + 1] = answer
  else
    answers[#answers + 1] = type(wrote) == 'table' and wrote.err or tostring(wrote)
  end
end
if #KEYS % 2 == 1 and not hasWritten then
  local refused = fence(KEYS[#KEYS])
  for each = 1, refused and #answers or 0 do
    if type(answers[each]) ~= 'string' then answers[each] = refused end
  end
end
return answers
