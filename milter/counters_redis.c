/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_redis - see counters_redis.h.
 *
 * An answer is lines of numbers: "ok NOW RESULT", then one a limit, "USED
 * RESET" or "USED RESET NEWEST SLOT0 ... SLOT64".
 */
#include "counters_redis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG COUNTERS_SCRIPT_TAG
#define STATE COUNTERS_SCRIPT_STATE
#define RUN_ID_LEN 40

static int64_t
width_of(const struct counters_item *item)
{
	struct limit_ring ring;

	limit_init(&ring, item->window_ms);
	return ring.width_us;
}

/* --- reading the answer --------------------------------------------------- */

/* The rest of a line that shows a whole ring. */
static int
take_ring(const char **text, struct limit_ring *ring, int64_t window_ms,
    uint64_t used)
{
	int64_t number;
	size_t i;

	limit_init(ring, window_ms);
	if (counters_script_blank(text) < 0 ||
	    counters_script_number(text, &ring->newest) < 0)
		return -1;
	for (i = 0; i < LIMIT_SLOTS; i++) {
		if (counters_script_blank(text) < 0 ||
		    counters_script_number(text, &number) < 0)
			return -1;
		ring->slots[i] = (uint64_t)number;
		ring->sum += (uint64_t)number;
	}
	return ring->sum == used ? 0 : -1;
}

static int
take_item(const struct counters_script_call *call, const char **text,
    struct counters_item *item, int64_t *reset)
{
	struct limit_ring ring;
	int64_t used;

	if (counters_script_number(text, &used) < 0 ||
	    counters_script_blank(text) < 0 ||
	    counters_script_number(text, reset) < 0)
		return -1;
	item->used = (uint64_t)used;
	item->wait_ms = 0;
	item->frees_ms = 0;
	if (**text == ' ') {
		if (take_ring(text, &ring, item->window_ms, item->used) < 0)
			return -1;
		item->wait_ms =
		    limit_wait(&ring, call->now_ms, item->max, item->amount);
		item->frees_ms = limit_frees(&ring, call->now_ms);
	} else if (item->used > item->max ||
		   item->amount > item->max - item->used) {
		return -1; /* over the limit, and no word when it is not */
	}
	return counters_script_line_end(text);
}

/* --- reserving and reading ------------------------------------------------ */

struct some_items {
	const char *id;
	const struct counters_item *read_items;
	size_t count;
	int always;
};

/* The keys: the message, then its limits. */
static void
begin_message(struct redis_words *words, const struct some_items *some,
    const struct counters_script_call *call, const char *by, const char *body)
{
	size_t i;

	counters_script_begin(words, by, body, some->count + 2);
	/* Two hosts may use one queue id. */
	if (some->id != NULL)
		redis_words_add(words, TAG "seen:%s:%s", call->host, some->id);
	else
		redis_words_add(words, "%s", STATE);
	for (i = 0; i < some->count; i++)
		counters_script_key(words, some->read_items[i].key);
}

static void
fill_reserve(struct redis_words *words, const void *with,
    const struct counters_script_call *call, const char *by, const char *body)
{
	const struct some_items *some = with;
	size_t i;

	begin_message(words, some, call, by, body);
	counters_script_verb(words, call, "reserve");
	redis_words_add(words, "%d", some->always);
	redis_words_add(words, "%d", COUNTERS_KNOWN_MS);
	for (i = 0; i < some->count; i++) {
		redis_words_add(
		    words, "%" PRId64, width_of(&some->read_items[i]));
		redis_words_add(words, "%" PRIu64, some->read_items[i].max);
		redis_words_add(words, "%" PRIu64, some->read_items[i].amount);
	}
}

static int
take_items(struct counters_script_call *call, const char *text,
    struct counters_item *items, size_t count, int *over)
{
	size_t i;

	*over = 0;
	for (i = 0; i < count; i++) {
		if (take_item(call, &text, &items[i], &call->resets[i]) < 0)
			return -1;
		*over |= items[i].wait_ms != 0;
	}
	return *text == '\0' ? 0 : -1;
}

int
counters_redis_reserve(struct counters_script_call *call, const char *id,
    struct counters_item *items, size_t count, int always, int *granted,
    struct err *err)
{
	struct some_items some = {id, items, count, always};
	struct buf answer;
	const char *text;
	int64_t result;
	int over, rc = counters_script_run(
		      call, fill_reserve, &some, &answer, &text, &result, err);

	if (rc == 0 && !call->young) {
		*granted = (int)result;
		/* Granted and over at once, or neither: not our script. */
		if (result > 2 ||
		    take_items(call, text, items, count, &over) < 0 ||
		    (result < 2 && over == (result == 1)))
			rc = counters_script_absurd(call, err);
	}
	buf_clear(&answer);
	return rc;
}

static void
fill_take_back(struct redis_words *words, const void *with,
    const struct counters_script_call *call, const char *by, const char *body)
{
	const struct some_items *some = with;
	size_t i;

	begin_message(words, some, call, by, body);
	counters_script_verb(words, call, "take_back");
	redis_words_add(words, "%" PRId64, some->read_items[0].counted_ms);
	for (i = 0; i < some->count; i++) {
		redis_words_add(
		    words, "%" PRId64, width_of(&some->read_items[i]));
		redis_words_add(words, "%" PRIu64, some->read_items[i].amount);
	}
}

int
counters_redis_take_back(struct counters_script_call *call, const char *id,
    const struct counters_item *items, size_t count, int *known,
    struct err *err)
{
	struct some_items some = {
	    .id = id, .read_items = items, .count = count};
	struct buf answer;
	const char *text;
	int64_t result;
	int rc = counters_script_run(
	    call, fill_take_back, &some, &answer, &text, &result, err);

	if (rc == 0 && (result > 1 || *text != '\0'))
		rc = counters_script_absurd(call, err);
	if (rc == 0)
		*known = result == 1;
	buf_clear(&answer);
	return rc;
}

/* The verbs that take limits and their widths only. */
static void
fill_limits(struct redis_words *words, const struct some_items *some,
    const struct counters_script_call *call, const char *by, const char *body,
    const char *verb)
{
	size_t i;

	counters_script_begin(words, by, body, some->count + 1);
	for (i = 0; i < some->count; i++)
		counters_script_key(words, some->read_items[i].key);
	counters_script_verb(words, call, verb);
	for (i = 0; i < some->count; i++)
		redis_words_add(
		    words, "%" PRId64, width_of(&some->read_items[i]));
}

static void
fill_look(struct redis_words *words, const void *with,
    const struct counters_script_call *call, const char *by, const char *body)
{
	fill_limits(words, with, call, by, body, "look");
}

int
counters_redis_look(struct counters_script_call *call,
    struct counters_item *items, size_t count, struct err *err)
{
	struct some_items some = {.read_items = items, .count = count};
	struct buf answer;
	const char *text;
	int64_t result;
	int over, rc = counters_script_run(
		      call, fill_look, &some, &answer, &text, &result, err);

	if (rc == 0 && !call->young &&
	    take_items(call, text, items, count, &over) < 0)
		rc = counters_script_absurd(call, err);
	buf_clear(&answer);
	return rc;
}

static void
fill_reset(struct redis_words *words, const void *with,
    const struct counters_script_call *call, const char *by, const char *body)
{
	fill_limits(words, with, call, by, body, "reset");
}

int
counters_redis_reset(struct counters_script_call *call,
    const struct counters_item *items, size_t count, struct err *err)
{
	struct some_items some = {.read_items = items, .count = count};
	struct buf answer;
	const char *text;
	int64_t result;
	int rc = counters_script_run(
	    call, fill_reset, &some, &answer, &text, &result, err);

	buf_clear(&answer);
	return rc;
}

/* --- giving back ---------------------------------------------------------- */

struct some_parts {
	struct counters_redis_part *parts;
	size_t count;
};

static void
add_ring(struct redis_words *words, const struct limit_ring *ring)
{
	int64_t bucket, first = ring->newest - LIMIT_BUCKETS;
	size_t count = 0, i;

	for (i = 0; i < LIMIT_SLOTS; i++)
		count += ring->slots[i] > 0;
	redis_words_add(words, "%" PRId64, ring->width_us);
	redis_words_add(words, "%zu", count);
	for (bucket = first > 0 ? first : 0; bucket <= ring->newest; bucket++) {
		uint64_t amount = ring->slots[bucket % LIMIT_SLOTS];

		if (amount == 0)
			continue;
		redis_words_add(words, "%" PRId64, bucket);
		redis_words_add(words, "%" PRIu64, amount);
	}
}

static void
fill_push(struct redis_words *words, const void *with,
    const struct counters_script_call *call, const char *by, const char *body)
{
	const struct some_parts *some = with;
	size_t i;

	counters_script_begin(words, by, body, some->count + 1);
	for (i = 0; i < some->count; i++)
		counters_script_key(words, some->parts[i].key);
	counters_script_verb(words, call, "push");
	for (i = 0; i < some->count; i++)
		add_ring(words, &some->parts[i].ring);
}

int
counters_redis_push(struct counters_script_call *call,
    struct counters_redis_part *parts, size_t count, struct err *err)
{
	struct some_parts some = {parts, count};
	struct buf answer;
	const char *text;
	int64_t result, total = 0, reset;
	size_t i;
	int rc = counters_script_run(
	    call, fill_push, &some, &answer, &text, &result, err);

	for (i = 0; i < count && rc == 0; i++) {
		if (counters_script_number(&text, &total) < 0 ||
		    counters_script_blank(&text) < 0 ||
		    counters_script_number(&text, &reset) < 0 ||
		    counters_script_line_end(&text) < 0)
			rc = counters_script_absurd(call, err);
		parts[i].total = (uint64_t)total;
	}
	buf_clear(&answer);
	return rc;
}

static void
fill_hello(struct redis_words *words, const void *with,
    const struct counters_script_call *call, const char *by, const char *body)
{
	const char *known = with;
	size_t len;

	counters_script_begin(words, by, body, 1);
	counters_script_verb(words, call, "hello");
	for (; *known != '\0'; known += len + (known[len] == '\n')) {
		len = strcspn(known, "\n");
		redis_words_add(words, "%.*s", (int)len, known);
	}
}

int
counters_redis_hello(
    struct counters_script_call *call, const char *known, struct err *err)
{
	struct buf answer;
	const char *text;
	int64_t result;
	int rc = counters_script_run(
	    call, fill_hello, known, &answer, &text, &result, err);

	buf_clear(&answer);
	return rc;
}

static void
fill_done(struct redis_words *words, const void *with,
    const struct counters_script_call *call, const char *by, const char *body)
{
	(void)with;
	counters_script_begin(words, by, body, 1);
	counters_script_verb(words, call, "done");
}

int
counters_redis_done(
    struct counters_script_call *call, struct buf *hosts, struct err *err)
{
	struct buf answer;
	const char *text;
	int64_t result;
	int rc = counters_script_run(
	    call, fill_done, NULL, &answer, &text, &result, err);

	/* The server's name is 40 hexadecimal digits, and we are there. */
	if (rc == 0 && (strspn(text, "0123456789abcdef") != RUN_ID_LEN ||
			   strstr(text, call->host) == NULL))
		rc = counters_script_absurd(call, err);
	if (rc == 0) {
		buf_clear(hosts);
		if (buf_adds(hosts, text) < 0)
			rc = counters_script_absurd(call, err);
	}
	buf_clear(&answer);
	return rc;
}

int
counters_redis_check(
    struct counters_script_call *call, const char *run_id, struct err *err)
{
	struct redis_words words;
	struct buf answer;
	size_t len = strlen(run_id);
	int rc;

	redis_words_init(&words);
	redis_words_add(&words, "HGET");
	redis_words_add(&words, "%s", STATE);
	redis_words_add(&words, "host %s", call->host);
	buf_init(&answer, REDIS_LINK_ANSWER_MAX);
	rc = redis_link_call(call->link, &words, call->until_ms, &answer, err);
	redis_words_clear(&words);
	if (rc == 0 &&
	    (answer.len <= len || strncmp(answer.data, run_id, len) != 0))
		rc = err_set(err, ERR_TEMPORARY, "young",
		    "the server has forgotten what was counted");
	buf_clear(&answer);
	return rc;
}
