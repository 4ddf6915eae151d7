/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_redis - see counters_redis.h.
 *
 * An answer is lines of numbers: "ok NOW RESULT", then one a limit, "USED
 * RESET" or "USED RESET NEWEST SLOT0 ... SLOT64".
 */
#include "counters_redis.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG COUNTERS_REDIS_TAG
#define STATE COUNTERS_REDIS_STATE
#define RUN_ID_LEN 40
#define LEAP_MS (60 * 1000)
#define SEEN_MS (10 * 60 * 1000)
#define NUMBER_MAX ((int64_t)1 << 53) /* of Lua's whole numbers */

static const char script[] = {
#include "counters.lua.inc"
    '\0'};

/* --- asking --------------------------------------------------------------- */

/*
 * The words up to the keys. The script goes by its name first: EVAL carries it
 * whole, and hiredis makes no SHA-1, so the server is asked for the name.
 */
static void
begin(struct redis_words *words, const char *by, const char *body,
    size_t key_count)
{
	redis_words_init(words);
	redis_words_add(words, "%s", by);
	redis_words_add(words, "%s", body);
	redis_words_add(words, "%zu", key_count);
	redis_words_add(words, "%s", STATE);
}

static void
add_verb(struct redis_words *words, const struct counters_redis_call *call,
    const char *verb)
{
	redis_words_add(words, "%s", verb);
	redis_words_add(words, "%s", call->host);
	redis_words_add(words, "%" PRId64, call->expected_ms);
}

static void
add_key(struct redis_words *words, const char *key)
{
	redis_words_add(words, TAG "%s", key);
}

static int64_t
width_of(const struct counters_item *item)
{
	struct limit_ring ring;

	limit_init(&ring, item->window_ms);
	return ring.width_us;
}

/* --- reading the answer --------------------------------------------------- */

static int
absurd(struct counters_redis_call *call, struct err *err)
{
	(void)call;
	return err_set(err, ERR_PROTOCOL, "absurd",
	    "the server's answer cannot be true: is it another program's "
	    "database?");
}

/* A number of an answer, then a blank, a line's end or the end. */
static int
take_number(const char **text, int64_t *number)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -1;
	errno = 0;
	*number = strtoll(*text, &end, 10);
	if (errno != 0 || *number > NUMBER_MAX ||
	    (*end != ' ' && *end != '\n' && *end != '\0'))
		return -1;
	*text = end;
	return 0;
}

static int
take_blank(const char **text)
{
	if (**text != ' ')
		return -1;
	(*text)++;
	return 0;
}

static int
take_line_end(const char **text)
{
	if (**text == '\n') {
		(*text)++;
		return 0;
	}
	return **text == '\0' ? 0 : -1;
}

static int
take_head(struct counters_redis_call *call, const char **text, int64_t *result)
{
	call->young = strncmp(*text, "young ", 6) == 0;
	if (!call->young && strncmp(*text, "ok ", 3) != 0)
		return -1;
	*text += call->young ? 6 : 3;
	if (take_number(text, &call->now_ms) < 0 || call->now_ms == 0 ||
	    take_blank(text) < 0 || take_number(text, result) < 0)
		return -1;
	/* It goes on with ours; a leap would make what was counted too old. */
	if (call->expected_ms > 0 &&
	    (call->now_ms > call->expected_ms + LEAP_MS ||
		call->now_ms < call->expected_ms - LEAP_MS))
		return -1;
	return take_line_end(text);
}

/* The rest of a line that shows a whole ring. */
static int
take_ring(const char **text, struct limit_ring *ring, int64_t window_ms,
    uint64_t used)
{
	int64_t number;
	size_t i;

	limit_init(ring, window_ms);
	if (take_blank(text) < 0 || take_number(text, &ring->newest) < 0)
		return -1;
	for (i = 0; i < LIMIT_SLOTS; i++) {
		if (take_blank(text) < 0 || take_number(text, &number) < 0)
			return -1;
		ring->slots[i] = (uint64_t)number;
		ring->sum += (uint64_t)number;
	}
	return ring->sum == used ? 0 : -1;
}

static int
take_item(const struct counters_redis_call *call, const char **text,
    struct counters_item *item, int64_t *reset)
{
	struct limit_ring ring;
	int64_t used;

	if (take_number(text, &used) < 0 || take_blank(text) < 0 ||
	    take_number(text, reset) < 0)
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
	return take_line_end(text);
}

/* --- the call ------------------------------------------------------------- */

/* Complete words, sent. The answer's first line is read, *text behind it. */
static int
call_once(struct counters_redis_call *call, struct redis_words *words,
    struct buf *answer, const char **text, int64_t *result, struct err *err)
{
	int rc =
	    redis_link_call(call->link, words, call->until_ms, answer, err);

	redis_words_clear(words);
	if (rc < 0)
		return -1;
	*text = answer->data != NULL ? answer->data : "";
	/* What was cut by a NUL was no text of ours. */
	if (strlen(*text) != answer->len || take_head(call, text, result) < 0)
		return absurd(call, err);
	return 0;
}

typedef void (*fill_words)(struct redis_words *words, const void *with,
    const struct counters_redis_call *call, const char *by, const char *body);

/* By name, and with its text if the server does not know it. */
static int
run(struct counters_redis_call *call, fill_words fill, const void *with,
    struct buf *answer, const char **text, int64_t *result, struct err *err)
{
	struct redis_words words;

	buf_init(answer, REDIS_LINK_ANSWER_MAX);
	fill(&words, with, call, "EVALSHA", POSTOAK_COUNTERS_SHA);
	if (call_once(call, &words, answer, text, result, err) == 0)
		return 0;
	if (strcmp(err->code, "NOSCRIPT") != 0)
		return -1;
	fill(&words, with, call, "EVAL", script);
	return call_once(call, &words, answer, text, result, err);
}

/* --- reserving and reading ------------------------------------------------ */

struct some_items {
	const char *id;
	const struct counters_item *read_items;
	size_t count;
	int always;
};

static void
fill_reserve(struct redis_words *words, const void *with,
    const struct counters_redis_call *call, const char *by, const char *body)
{
	const struct some_items *some = with;
	size_t i;

	begin(words, by, body, some->count + 2);
	/* Two hosts may use one queue id. */
	if (some->id != NULL)
		redis_words_add(words, TAG "seen:%s:%s", call->host, some->id);
	else
		redis_words_add(words, "%s", STATE);
	for (i = 0; i < some->count; i++)
		add_key(words, some->read_items[i].key);
	add_verb(words, call, "reserve");
	redis_words_add(words, "%d", some->always);
	redis_words_add(words, "%d", SEEN_MS);
	for (i = 0; i < some->count; i++) {
		redis_words_add(
		    words, "%" PRId64, width_of(&some->read_items[i]));
		redis_words_add(words, "%" PRIu64, some->read_items[i].max);
		redis_words_add(words, "%" PRIu64, some->read_items[i].amount);
	}
}

static int
take_items(struct counters_redis_call *call, const char *text,
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
counters_redis_reserve(struct counters_redis_call *call, const char *id,
    struct counters_item *items, size_t count, int always, int *granted,
    struct err *err)
{
	struct some_items some = {id, items, count, always};
	struct buf answer;
	const char *text;
	int64_t result;
	int over,
	    rc = run(call, fill_reserve, &some, &answer, &text, &result, err);

	if (rc == 0 && !call->young) {
		*granted = (int)result;
		/* Granted and over at once, or neither: not our script. */
		if (result > 2 ||
		    take_items(call, text, items, count, &over) < 0 ||
		    (result < 2 && over == (result == 1)))
			rc = absurd(call, err);
	}
	buf_clear(&answer);
	return rc;
}

/* The verbs that take limits and their widths only. */
static void
fill_limits(struct redis_words *words, const struct some_items *some,
    const struct counters_redis_call *call, const char *by, const char *body,
    const char *verb)
{
	size_t i;

	begin(words, by, body, some->count + 1);
	for (i = 0; i < some->count; i++)
		add_key(words, some->read_items[i].key);
	add_verb(words, call, verb);
	for (i = 0; i < some->count; i++)
		redis_words_add(
		    words, "%" PRId64, width_of(&some->read_items[i]));
}

static void
fill_look(struct redis_words *words, const void *with,
    const struct counters_redis_call *call, const char *by, const char *body)
{
	fill_limits(words, with, call, by, body, "look");
}

int
counters_redis_look(struct counters_redis_call *call,
    struct counters_item *items, size_t count, struct err *err)
{
	struct some_items some = {.read_items = items, .count = count};
	struct buf answer;
	const char *text;
	int64_t result;
	int over,
	    rc = run(call, fill_look, &some, &answer, &text, &result, err);

	if (rc == 0 && !call->young &&
	    take_items(call, text, items, count, &over) < 0)
		rc = absurd(call, err);
	buf_clear(&answer);
	return rc;
}

static void
fill_reset(struct redis_words *words, const void *with,
    const struct counters_redis_call *call, const char *by, const char *body)
{
	fill_limits(words, with, call, by, body, "reset");
}

int
counters_redis_reset(struct counters_redis_call *call,
    const struct counters_item *items, size_t count, struct err *err)
{
	struct some_items some = {.read_items = items, .count = count};
	struct buf answer;
	const char *text;
	int64_t result;
	int rc = run(call, fill_reset, &some, &answer, &text, &result, err);

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
    const struct counters_redis_call *call, const char *by, const char *body)
{
	const struct some_parts *some = with;
	size_t i;

	begin(words, by, body, some->count + 1);
	for (i = 0; i < some->count; i++)
		add_key(words, some->parts[i].key);
	add_verb(words, call, "push");
	for (i = 0; i < some->count; i++)
		add_ring(words, &some->parts[i].ring);
}

int
counters_redis_push(struct counters_redis_call *call,
    struct counters_redis_part *parts, size_t count, struct err *err)
{
	struct some_parts some = {parts, count};
	struct buf answer;
	const char *text;
	int64_t result, total = 0, reset;
	size_t i;
	int rc = run(call, fill_push, &some, &answer, &text, &result, err);

	for (i = 0; i < count && rc == 0; i++) {
		if (take_number(&text, &total) < 0 || take_blank(&text) < 0 ||
		    take_number(&text, &reset) < 0 || take_line_end(&text) < 0)
			rc = absurd(call, err);
		parts[i].total = (uint64_t)total;
	}
	buf_clear(&answer);
	return rc;
}

static void
fill_hello(struct redis_words *words, const void *with,
    const struct counters_redis_call *call, const char *by, const char *body)
{
	const char *known = with;
	size_t len;

	begin(words, by, body, 1);
	add_verb(words, call, "hello");
	for (; *known != '\0'; known += len + (known[len] == '\n')) {
		len = strcspn(known, "\n");
		redis_words_add(words, "%.*s", (int)len, known);
	}
}

int
counters_redis_hello(
    struct counters_redis_call *call, const char *known, struct err *err)
{
	struct buf answer;
	const char *text;
	int64_t result;
	int rc = run(call, fill_hello, known, &answer, &text, &result, err);

	buf_clear(&answer);
	return rc;
}

static void
fill_done(struct redis_words *words, const void *with,
    const struct counters_redis_call *call, const char *by, const char *body)
{
	(void)with;
	begin(words, by, body, 1);
	add_verb(words, call, "done");
}

int
counters_redis_done(
    struct counters_redis_call *call, struct buf *hosts, struct err *err)
{
	struct buf answer;
	const char *text;
	int64_t result;
	int rc = run(call, fill_done, NULL, &answer, &text, &result, err);

	/* The server's name is 40 hexadecimal digits, and we are there. */
	if (rc == 0 && (strspn(text, "0123456789abcdef") != RUN_ID_LEN ||
			   strstr(text, call->host) == NULL))
		rc = absurd(call, err);
	if (rc == 0) {
		buf_clear(hosts);
		if (buf_adds(hosts, text) < 0)
			rc = absurd(call, err);
	}
	buf_clear(&answer);
	return rc;
}

int
counters_redis_check(
    struct counters_redis_call *call, const char *run_id, struct err *err)
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
