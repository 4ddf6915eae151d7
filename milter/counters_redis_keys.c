/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters_redis_keys - see counters_redis_keys.h.
 */
#include "counters_redis_keys.h"

#include <string.h>

#include "counters_script.h"

#define COUNT "1000" /* keys the server looks at in one call: under 1 ms */

/* As SCAN's pattern takes it for itself. */
static void
add_escaped(struct buf *pattern, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("*?[]\\^", *text) != NULL)
			(void)buf_adds(pattern, "\\");
		(void)buf_add(pattern, text, 1);
	}
}

static void
fill(struct redis_words *words, const struct counters_walk *walk,
    const char *cursor)
{
	struct buf pattern;

	buf_init(&pattern, 8 * COUNTERS_KEY_MAX);
	(void)buf_adds(&pattern, COUNTERS_SCRIPT_TAG);
	add_escaped(&pattern, walk->prefix);
	(void)buf_adds(&pattern, "*");
	add_escaped(&pattern, walk->suffix);
	redis_words_init(words);
	redis_words_add(words, "SCAN");
	redis_words_add(words, "%s", cursor);
	redis_words_add(words, "MATCH");
	redis_words_add(words, "%s", pattern.data);
	redis_words_add(words, "COUNT");
	redis_words_add(words, COUNT);
	buf_clear(&pattern);
}

/* The answer's first line is the cursor. */
static int
take_cursor(struct buf *keys, char cursor[COUNTERS_REDIS_CURSOR_MAX])
{
	size_t len = keys->len > 0 ? strspn(keys->data, "0123456789") : 0;

	if (len == 0 || len >= COUNTERS_REDIS_CURSOR_MAX ||
	    keys->data[len] != '\n' || strlen(keys->data) != keys->len)
		return -1;
	memcpy(cursor, keys->data, len);
	cursor[len] = '\0';
	buf_drop(keys, len + 1);
	return 0;
}

int
counters_redis_keys(struct redis_link *link, int64_t until_ms,
    const struct counters_walk *walk, char cursor[COUNTERS_REDIS_CURSOR_MAX],
    struct buf *keys, struct err *err)
{
	struct redis_words words;
	int rc;

	fill(&words, walk, cursor);
	rc = redis_link_call(link, &words, until_ms, keys, err);
	redis_words_clear(&words);
	if (rc == 0 && take_cursor(keys, cursor) < 0)
		rc = err_set(err, ERR_TEMPORARY, "absurd",
		    "the server's answer to SCAN cannot be true");
	return rc;
}

const char *
counters_redis_key_of(const char *line)
{
	size_t len = strlen(COUNTERS_SCRIPT_TAG);

	return strncmp(line, COUNTERS_SCRIPT_TAG, len) == 0 ? line + len : "";
}
