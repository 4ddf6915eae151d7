-- SPDX-License-Identifier: Apache-2.0
-- What postoak-milter runs inside Redis or Valkey: one call a message. Sent by
-- counters_redis.c, which says what goes in and what comes out.
--
-- A limit is a hash, the ring of limit.c: "n" the number of its newest bucket,
-- "s" the sum of all, "0" to "64" what was counted in each, and beside it
-- HOST:SLOT, "bucket amount", what of that one host counted. Each host keeps
-- the same of itself; what the store has lost of it, it is given back with
-- "push", which takes the larger of both and therefore never counts twice. "r" is
-- the bucket in which an administrator had all forgotten.
--
-- KEYS[1] is the state all hosts share: the clock (the server's, "offset"
-- being what its steps were made up with, "last" what was read last), the
-- server it is kept on ("run") and until when that server is not to be
-- trusted, since it may lack what some hosts counted ("young").
--
-- Everything is a whole number below 2^53.
local SLOTS = 65
local STEP_MS = 1000 -- more than this is no drift, but a clock that was set
local YOUNG_MS = 5000 -- what the hosts have to give back what was lost
local GONE_MS = 7 * 86400 * 1000 -- a host not seen for so long is forgotten
local verb, host, expected = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function text(number)
	return string.format('%.0f', number)
end

local state = redis.call('HMGET', KEYS[1], 'offset', 'last', 'run', 'young')
local run, young = state[3], tonumber(state[4]) or 0

-- The clock goes on from where it was, whatever is done to it: the caller knows
-- what it must be by his own ("expected", 0 if he does not), and it never goes
-- back.
local function read_clock()
	local time = redis.call('TIME')
	local offset = tonumber(state[1]) or 0
	local last = tonumber(state[2]) or 0
	local now = time[1] * 1000 + math.floor(time[2] / 1000) + offset
	local right = now
	if expected > 0 and math.abs(now - expected) > STEP_MS then
		right = expected
	end
	if right < last then
		right = last
	end
	if right ~= now then
		redis.call('HSET', KEYS[1], 'offset', text(offset + right - now))
	end
	redis.call('HSET', KEYS[1], 'last', text(right))
	return right
end

-- What of a bucket is this host's own, from its field.
local function own_of(value, bucket)
	local of, amount = string.match(value or '', '^(%d+) (%d+)$')
	return tonumber(of) == bucket and tonumber(amount) or 0
end

-- Bring a ring up to now: what it counts, what is in its newest bucket ("here",
-- and "own" of it), and which slots are to be emptied.
local function load_ring(key, width, now)
	local ring = {key = key, width = width, old = {}, reset = 0, sum = 0, here = 0, own = 0}
	ring.bucket = math.floor(now * 1000 / width)
	local known = redis.call('HMGET', key, 'n', 'r')
	local newest = tonumber(known[1])
	ring.reset = tonumber(known[2]) or 0
	if not newest then
		return ring
	end
	ring.bucket = math.max(ring.bucket, newest)
	if ring.bucket - newest >= SLOTS then
		ring.over = true
		return ring
	end
	local slot = ring.bucket % SLOTS
	local values = redis.call('HMGET', key, 's', slot, host .. ':' .. slot)
	ring.sum = tonumber(values[1]) or 0
	if ring.bucket == newest then
		ring.here = tonumber(values[2]) or 0
		ring.own = own_of(values[3], newest)
		return ring
	end
	for bucket = newest + 1, ring.bucket do
		ring.old[#ring.old + 1] = bucket % SLOTS
	end
	local gone = redis.call('HMGET', key, unpack(ring.old))
	for i = 1, #gone do
		ring.sum = ring.sum - (tonumber(gone[i]) or 0)
	end
	return ring
end

-- Empty what is too old.
local function turn(ring)
	if ring.over then
		redis.call('DEL', ring.key)
	elseif #ring.old > 0 then
		redis.call('HDEL', ring.key, unpack(ring.old))
	end
end

local function keep(ring)
	redis.call('PEXPIRE', ring.key,
		text(math.ceil(ring.width * (SLOTS + 1) / 1000)))
end

-- Count amount now.
local function add(ring, amount)
	local slot = ring.bucket % SLOTS
	turn(ring)
	redis.call('HSET', ring.key, 'n', text(ring.bucket),
		's', text(ring.sum + amount), slot, text(ring.here + amount),
		host .. ':' .. slot, text(ring.bucket) .. ' ' .. text(ring.own + amount))
	keep(ring)
end

-- The sum and the last reset; the whole ring behind them for who has to know.
local function show(ring, whole)
	if not whole then
		return text(ring.sum) .. ' ' .. text(ring.reset)
	end
	local fields, old = {}, {}
	for slot = 0, SLOTS - 1 do
		fields[slot + 1] = slot
	end
	for i = 1, #ring.old do
		old[ring.old[i]] = true
	end
	local values = redis.call('HMGET', ring.key, unpack(fields))
	for slot = 0, SLOTS - 1 do
		local empty = ring.over or old[slot] or not values[slot + 1]
		values[slot + 1] = empty and '0' or values[slot + 1]
	end
	return text(ring.sum) .. ' ' .. text(ring.reset) .. ' ' .. text(ring.bucket) .. ' ' ..
		table.concat(values, ' ')
end

-- Tell all hosts what they have now together, so that they know it should the
-- store go away.
local function tell(rings)
	local lines = {host}
	for i, ring in ipairs(rings) do
		lines[i + 1] = text(ring.width) .. ' ' .. text(ring.sum) .. ' ' .. ring.key
	end
	redis.call('PUBLISH', KEYS[1], table.concat(lines, '\n'))
end

-- ARGV from 4: always, milliseconds to keep the id; then width, max, amount of
-- each limit. KEYS from 2: the message (KEYS[1] again: it has no name), the
-- limits.
local function reserve(now)
	local always = ARGV[4] == '1'
	local has_id = KEYS[2] ~= KEYS[1]
	local seen = has_id and redis.call('EXISTS', KEYS[2]) == 1
	local fits, rings, lines = true, {}, {}
	for i = 3, #KEYS do
		local at = 6 + (i - 3) * 3
		local ring = load_ring(KEYS[i], tonumber(ARGV[at]), now)
		ring.amount = tonumber(ARGV[at + 2])
		ring.full = ring.sum + ring.amount > tonumber(ARGV[at + 1])
		fits = fits and not ring.full
		rings[#rings + 1] = ring
	end
	for i, ring in ipairs(rings) do
		lines[i] = show(ring, ring.full)
	end
	if not seen and (fits or always) then
		for _, ring in ipairs(rings) do
			add(ring, ring.amount)
			ring.sum = ring.sum + ring.amount
		end
		tell(rings)
		if has_id then
			redis.call('SET', KEYS[2], '1', 'PX', ARGV[5])
		end
	end
	return (seen and 2 or fits and 1 or 0), lines
end

-- As much of amount as this host has counted in that bucket is taken out of it.
local function take_out(ring, bucket, amount)
	local slot = bucket % SLOTS
	if ring.over or bucket > ring.bucket or bucket <= ring.bucket - SLOTS or
			bucket <= ring.reset then
		return
	end
	turn(ring)
	local all, of = unpack(redis.call('HMGET', ring.key, slot, host .. ':' .. slot))
	local own = own_of(of, bucket)
	amount = math.min(amount, own, tonumber(all) or 0)
	redis.call('HSET', ring.key, 'n', text(ring.bucket), 's', text(ring.sum - amount),
		slot, text((tonumber(all) or 0) - amount),
		host .. ':' .. slot, text(bucket) .. ' ' .. text(own - amount))
	keep(ring)
end

-- A message was not taken after all. ARGV from 4: when it was counted; then width
-- and amount of each limit. KEYS as of reserve. Done once: it is known no more.
local function take_back(now)
	local counted = tonumber(ARGV[4])
	if redis.call('DEL', KEYS[2]) == 0 then
		return 0, {}
	end
	for i = 3, #KEYS do
		local at = 5 + (i - 3) * 2
		local ring = load_ring(KEYS[i], tonumber(ARGV[at]), now)
		take_out(ring, math.floor(counted * 1000 / ring.width), tonumber(ARGV[at + 1]))
	end
	return 1, {}
end

-- ARGV from 4: the width of each limit. KEYS from 2: the limits.
local function look(now)
	local lines = {}
	for i = 2, #KEYS do
		lines[#lines + 1] = show(load_ring(KEYS[i], tonumber(ARGV[i + 2]), now), true)
	end
	return 1, lines
end

-- One bucket of what this host counted. What is later than now is of now.
local function give_back(ring, bucket, amount)
	bucket = math.min(bucket, ring.bucket)
	local slot = bucket % SLOTS
	local own = own_of(redis.call('HGET', ring.key, host .. ':' .. slot), bucket)
	if bucket > ring.bucket - SLOTS and bucket > ring.reset then
		local all = tonumber(redis.call('HGET', ring.key, slot)) or 0
		all = math.max(all + math.max(amount - own, 0), amount)
		redis.call('HSET', ring.key, slot, text(all), host .. ':' .. slot,
			text(bucket) .. ' ' .. text(math.max(amount, own)))
	end
end

-- The sum anew, so that what went wrong with it does not stay so.
local function sum_up(ring)
	local fields = {}
	for slot = 0, SLOTS - 1 do
		fields[slot + 1] = slot
	end
	ring.sum = 0
	for _, value in ipairs(redis.call('HMGET', ring.key, unpack(fields))) do
		ring.sum = ring.sum + (tonumber(value or nil) or 0)
	end
end

-- ARGV from 4, for each limit: width, number of buckets, then bucket and amount
-- of each. KEYS from 2: the limits. What the store has less of is made up.
local function push(now)
	local at, lines, rings = 4, {}, {}
	for i = 2, #KEYS do
		local ring = load_ring(KEYS[i], tonumber(ARGV[at]), now)
		local last = at + tonumber(ARGV[at + 1]) * 2
		turn(ring)
		for pair = at + 2, last, 2 do
			give_back(ring, tonumber(ARGV[pair]), tonumber(ARGV[pair + 1]))
		end
		sum_up(ring)
		redis.call('HSET', ring.key, 'n', text(ring.bucket), 's', text(ring.sum))
		keep(ring)
		at = last + 2
		lines[#lines + 1] = show(ring, false)
		rings[#rings + 1] = ring
	end
	tell(rings)
	return 1, lines
end

-- ARGV from 4: the width of each limit. KEYS from 2: the limits, to be forgotten.
local function reset(now)
	for i = 2, #KEYS do
		local ring = load_ring(KEYS[i], tonumber(ARGV[i + 2]), now)
		redis.call('DEL', KEYS[i])
		redis.call('HSET', KEYS[i], 'n', text(ring.bucket), 's', '0',
			'r', text(ring.bucket))
		keep(ring)
	end
	return 1, {}
end

-- A host begins to give back what may be lost. ARGV from 4: the hosts it knows,
-- "?" if there may be others.
local function hello(now)
	local here = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
	if run ~= here then
		for i = 4, #ARGV do
			redis.call('HSETNX', KEYS[1], 'host ' .. ARGV[i], '- ' .. text(now))
		end
		run, young = here, now + YOUNG_MS
		redis.call('HSET', KEYS[1], 'run', run, 'young', text(young))
	end
	redis.call('HSET', KEYS[1], 'host ' .. host, '- ' .. text(now))
	return 1, {}
end

-- It has. When all have, the store is trusted.
local function done(now)
	local all, names = true, {run or '-'}
	redis.call('HSET', KEYS[1], 'host ' .. host, (run or '-') .. ' ' .. text(now))
	local values = redis.call('HGETALL', KEYS[1])
	for i = 1, #values, 2 do
		local name = string.match(values[i], '^host (.+)$')
		local of, at = string.match(values[i + 1], '^(%S+) (%d+)$')
		local gone = not at or tonumber(at) + GONE_MS < now or
			name == '?' and now >= young
		if name and gone then
			redis.call('HDEL', KEYS[1], values[i])
		elseif name then
			all = all and of == run
			names[#names + 1] = name ~= '?' and name or nil
		end
	end
	if run and young > 0 and (all or now >= young) then
		young = 0
		redis.call('HSET', KEYS[1], 'young', '0')
	end
	return 1, names
end

local verbs = {
	reserve = reserve, take_back = take_back, look = look, reset = reset,
	push = push, hello = hello, done = done,
}
local now = read_clock()
local young_now = not run or now < young
if young_now and (verb == 'reserve' or verb == 'look') then
	return 'young ' .. text(now) .. ' 0'
end
local answer, lines = verbs[verb](now)
young_now = not run or now < young
table.insert(lines, 1, (young_now and 'young ' or 'ok ') .. text(now) .. ' ' .. answer)
return table.concat(lines, '\n')
